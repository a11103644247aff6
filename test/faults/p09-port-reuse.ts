import { setTimeout as pause } from 'node:timers/promises'
import { createByHand } from './by-hand.ts'
import type { Fault } from './fault.ts'
import { Load, type Shot, summary } from './load.ts'
import { runningOn } from './subject.ts'
import { testApp, warm } from './warm.ts'

const REQUESTS = 10_000
const SECONDS = 30
const RATE = REQUESTS / SECONDS
const TTL = 30
/**
 * What a gateway that reloads needs to stop leading there, milliseconds: known, and said in docs/faults.md. What that comes to
 * is in the figure, and is not judged.
 */
const RELOAD = 500

/**
 * An instance is removed while its registrar is frozen, and another app takes its very port: the Endpoint in etcd
 * leads to a stranger, for as long as the lease holds.
 */
export const portReuse: Fault = {
  id: 'P09',
  title: 'port reuse',
  run: async (stage) => {
    const { fleet, oracle, subject } = stage
    for (const { registrar } of fleet.hosts) {
      await registrar.end()
      await registrar.start({ 'lease-ttl': `${TTL}s` })
    }
    await warm(stage, [testApp('shop')])
    const [place] = (await Promise.all(fleet.hosts.map(runningOn))).flat()
    const host = fleet.hosts.find(({ name }) => name === place?.host)
    if (!host || !place) throw new Error('shop runs nowhere')
    const port = place.address.split(':')[1]
    const [container] = await host.docker.listContainers({
      filters: { label: ['reveille.app=shop'] },
    })
    // The fault's own words: 502, 503 and held are allowed.
    oracle.allow(502)
    // It runs, as far as every gateway knows: not while they still read of it.
    await oracle.settled()

    await host.registrar.pause()
    await host.docker.getContainer(container?.Id ?? '').remove({ force: true })
    await (await createByHand(host, 'admin', port)).start()
    const origins = subject.gateways.map(({ origin }) => origin)
    const early = new Load({ origins, apps: ['shop'], rate: RATE, count: (RATE * RELOAD) / 1000 })
    await pause(RELOAD)
    const load = oracle.load({ apps: ['shop'], rate: RATE, count: REQUESTS })
    const shots = await load.done()
    const known = strays(await early.done()).length
    await host.registrar.resume()
    await oracle.settled()

    const wrong = strays(shots)
    const violations: string[] = []
    if (wrong.length > 0) violations.push(`P09: ${wrong.length} answers from admin`)
    if (shots.length < REQUESTS) violations.push(`P09: only ${shots.length} requests`)
    for (const { registrar } of fleet.hosts) {
      await registrar.end()
      await registrar.start()
    }
    const figure = `${wrong.length} from admin of ${summary(shots)}; ${known} in the ${RELOAD} ms before`
    return { figure, violations }
  },
}

const strays = (shots: readonly Shot[]): Shot[] => shots.filter(({ seen }) => seen?.app === 'admin')
