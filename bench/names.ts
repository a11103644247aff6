import { App } from '../model/app.ts'
import type { LabFleet } from '../test/lab/fleet/fleet.ts'
import { startFleet } from '../test/lab/fleet/start-fleet.ts'
import { APP_IMAGE } from '../test/lab/image.ts'
import { ask } from '../test/system/client.ts'
import type { Report } from './report.ts'
import { summarise } from './statistics.ts'
import { containerOf, makeTwin } from './twin.ts'

/** Apps that the cluster knows; all but one of them sleep all the time. */
const KNOWN = [1, 100, 1_000]
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 8)
/** Wakes of one round at each number of apps. */
const WAKES = 4
const PORT = 24_998

/**
 * Whether a wake takes longer where more apps are known. Each is held against a direct start in the same moment, and
 * the numbers take turns in every round, so that a busy minute meets them all.
 */
export async function benchNames(): Promise<Report> {
  const fleet = await startFleet({ hosts: 1 })
  const [host] = fleet.hosts
  const [gateway] = fleet.gateways
  const [launcher] = fleet.launchers
  if (!host || !gateway || !launcher) throw new Error('the fleet is not whole')
  try {
    await fleet.add({ name: 'known-0', image: APP_IMAGE, idleAfter: '1h' })
    await ask(gateway.origin, '/known-0/')
    const model = await containerOf(host.docker, 'known-0')
    const place = { name: 'bench-twin', address: host.address, port: PORT }
    const twin = await makeTwin(host.docker, model, place)
    const wake = async (): Promise<number> => {
      const direct = await twin.start()
      await twin.stop()
      const asleep = await launcher.api('POST', '/v1/apps/known-0/sleep')
      if (asleep.status !== 200) throw new Error(`known-0 does not sleep: ${asleep.text}`)
      const answer = await ask(gateway.origin, '/known-0/')
      if (answer.status !== 200) throw new Error(`known-0 answered ${answer.text}`)
      return answer.firstByte / direct.took
    }
    const ratios = KNOWN.map((): number[] => [])
    for (let round = 0; round < ROUNDS; round++)
      for (const turn of KNOWN.keys()) {
        const which = (turn + round) % KNOWN.length
        await know(fleet, KNOWN[which] as number)
        for (let i = 0; i < WAKES; i++) ratios[which]?.push(await wake())
      }
    const [one, ...others] = ratios.map(summarise)
    const rows = others.map((many, index) => {
      const flat = many.p50 / (one?.p50 ?? Number.NaN)
      return {
        metric: `wake where ${KNOWN[index + 1]} apps are known, ratio p50 (n=${many.n})`,
        against: `the same where 1 is, both over a direct start (${one?.p50.toFixed(2)}x)`,
        figure: `${flat.toFixed(2)}x`,
        bar: 'flat: <= 1.1x',
        reached: flat <= 1.1,
      }
    })
    return { rows, data: { known: KNOWN, ratios } }
  } finally {
    await fleet.stop()
  }
}

/** Makes the cluster know `count` apps, and every launcher of it. */
async function know(fleet: LabFleet, count: number): Promise<void> {
  const names = Array.from({ length: Math.max(...KNOWN) }, (_, index) => `known-${index}`).slice(1)
  const { entries } = await fleet.etcd.list('/services/apps/')
  const there = new Set(entries.map(({ key }) => key))
  for (const [index, name] of names.entries()) {
    const key = `/services/apps/${name}`
    const wanted = index + 1 < count
    if (wanted && !there.has(key))
      await fleet.etcd.put(key, JSON.stringify(App.parse({ name, image: APP_IMAGE })))
    else if (!wanted && there.has(key)) await fleet.etcd.remove(key)
  }
  for (const launcher of fleet.launchers)
    for (;;) {
      const { apps } = JSON.parse((await launcher.api('GET', '/v1/apps')).text)
      if (apps.length === count) break
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
}
