import { setTimeout as pause } from 'node:timers/promises'
import { appContainers } from '../lab/containers.ts'
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
 * What a gateway needs to stop leading there if it has to reload, milliseconds: known, and said in docs/faults.md. What that
 * comes to is in the figure, and is not judged. Of a live gateway everything is, from before the instance is removed.
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
    const [container] = await appContainers(host.docker, { app: 'shop' })
    // The fault's own words: 502, 503 and held are allowed.
    oracle.allow(502)
    // It runs, as far as every gateway knows: not while they still read of it.
    await oracle.settled()

    const admin = await createByHand(host, 'admin', port)
    const isLive = subject.mode === 'live'
    const asked = { apps: ['shop'], rate: RATE }
    const origins = subject.gateways.map(({ origin }) => origin)
    const early = isLive ? oracle.load(asked) : new Load({ origins, ...asked })

    await host.registrar.pause()
    // It and what has its port.
    for (const id of new Set([container?.Id ?? '', container?.hostId ?? '']))
      await host.docker.getContainer(id).remove({ force: true })
    await admin.start()
    if (!isLive) await pause(RELOAD)
    const [before, shots] = await Promise.all([
      early.stop(),
      oracle.load({ ...asked, count: REQUESTS }).done(),
    ])
    await host.registrar.resume()
    await oracle.settled()

    const known = isLive ? [] : strays(before)
    const wrong = strays(isLive ? [...before, ...shots] : shots)
    const violations: string[] = []
    if (wrong.length > 0) violations.push(`P09: ${wrong.length} answers from admin`)
    if (shots.length < REQUESTS) violations.push(`P09: only ${shots.length} requests`)
    for (const { registrar } of fleet.hosts) {
      await registrar.end()
      await registrar.start()
    }
    const unjudged = isLive ? '' : `; ${known.length} in the ${RELOAD} ms before`
    const figure = `${wrong.length} from admin of ${summary(shots)}${unjudged}`
    return { figure, violations }
  },
}

const strays = (shots: readonly Shot[]): Shot[] => shots.filter(({ seen }) => seen?.app === 'admin')
