import { enableUsers } from '../lab/fleet/users.ts'
import type { Fault, Stage } from './fault.ts'
import { failed, summary } from './load.ts'
import { RouteWatch } from './route-watch.ts'
import { endpointsOf, routesOf } from './subject.ts'
import { until } from './until.ts'
import { crowd, testApp, warm } from './warm.ts'

const APPS = crowd(20)
const RATE = 50
/** Milliseconds. */
const TTL = 10_000
const LAST_GONE = 3_000

/** etcd comes back without any data, then the controllers are started anew: what runs does not notice. */
export const etcdEmpty: Fault = {
  id: 'P07',
  title: 'etcd comes back empty',
  run: async (stage) => {
    const { fleet, oracle, subject } = stage
    await warm(
      stage,
      APPS.map((name) => testApp(name)),
    )
    const done = oracle.healthy(...APPS)
    const routes = new RouteWatch(subject, APPS)
    const load = oracle.load({ apps: APPS, rate: RATE })

    await Promise.all(fleet.members.map(({ etcd }) => etcd.kill()))
    await Promise.all(fleet.members.map((member) => member.wipe()))
    await Promise.all(fleet.members.map(({ etcd }) => etcd.start()))
    await enableUsers(fleet.etcdctl)
    const registered = await until('all have registered again', 60_000, async () => {
      const endpoints = await endpointsOf(fleet)
      return APPS.every((name) => endpoints.has(`${name}/0`))
    })
    for (const { controller } of fleet.gateways) {
      await controller.kill()
      await controller.start()
    }
    const right = await oracle.settled()
    const lost = await routes.stop()
    const shots = await load.stop()
    done()
    const last = await deleteAll(stage)

    const violations = [...lost, ...failed(shots)].map((words) => `P07: ${words}`)
    if (registered > TTL)
      violations.push(`P07: all had registered after ${Math.round(registered)} ms`)
    if (last > LAST_GONE)
      violations.push(`P07: the last app was routed ${Math.round(last)} ms after its end`)
    const figure = `${summary(shots)}, all registered after ${seconds(registered)} s, right ${seconds(right)} s after the controllers came back, last app gone after ${seconds(last)} s`
    return { figure, violations }
  },
}

/**
 * The counter-check: what is deleted on purpose goes, also the last of all. Who restores an empty etcd adds his apps
 * again, so that there is something to delete. Resolves with how long the last one stayed routed, milliseconds.
 */
async function deleteAll({ fleet, subject }: Stage): Promise<number> {
  for (const name of APPS) await fleet.add(testApp(name))
  const [launcher] = fleet.launchers
  const [last = '', ...others] = APPS
  const remove = (name: string) => launcher?.api('DELETE', `/v1/apps/${name}`)
  await Promise.all(others.map(remove))
  const routed = async (): Promise<number[]> =>
    [...(await routesOf(subject.gateways)).values()].map((apps) => apps.size)
  await until('one app is left', 30_000, async () => (await routed()).every((size) => size === 1))
  const removing = remove(last)
  const took = await until('it is routed nowhere', 30_000, async () =>
    (await routed()).every((size) => size === 0),
  )
  await removing
  return took
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1)
