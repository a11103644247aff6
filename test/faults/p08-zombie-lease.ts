import { setTimeout as pause } from 'node:timers/promises'
import { appContainers } from '../lab/containers.ts'
import type { Fault } from './fault.ts'
import { failed, summary } from './load.ts'
import { routesOf, runningOn } from './subject.ts'
import { until } from './until.ts'
import { testApp, warm } from './warm.ts'

const RATE = 50
/** Milliseconds: the lease TTL and 3 s. */
const GONE = 13_000
/** Of load before and after, milliseconds. */
const AROUND = 2_000

/** A registrar dies, then the instance it had registered: its lease keeps a route that leads nowhere. */
export const zombieLease: Fault = {
  id: 'P08',
  title: 'zombie lease',
  run: async (stage) => {
    const { fleet, oracle, subject } = stage
    await warm(stage, [testApp('shop', { replicas: 2 })])
    const places = (await Promise.all(fleet.hosts.map(runningOn))).flat()
    const [place, other] = places
    const host = fleet.hosts.find(({ name }) => name === place?.host)
    if (!host || !place || !other || other.host === host.name)
      throw new Error(`shop runs on ${places.map((each) => each.host).join(' and ')}`)
    const done = oracle.healthy('shop')
    const load = oracle.load({ apps: ['shop'], rate: RATE })
    await pause(AROUND)

    const began = performance.now()
    await host.registrar.kill()
    // The slot is filled again, on this host at first; where nobody registers it, it is stopped there and goes elsewhere.
    const [container] = await appContainers(host.docker, { app: 'shop' })
    await host.docker.getContainer(container?.Id ?? '').kill()
    await until('its route is gone', 60_000, async () => {
      const routed = [...(await routesOf(subject.gateways)).values()]
      return routed.every((apps) => !(apps.get('shop') ?? []).includes(place.address))
    })
    const gone = performance.now() - began
    await pause(AROUND)
    const shots = await load.stop()
    done()
    await host.registrar.start()
    await oracle.settled()

    const violations = failed(shots).map((words) => `P08: ${words}`)
    if (gone > GONE) violations.push(`P08: its route was gone after ${Math.round(gone)} ms`)
    return {
      figure: `${summary(shots)}, route gone after ${(gone / 1000).toFixed(1)} s`,
      violations,
    }
  },
}
