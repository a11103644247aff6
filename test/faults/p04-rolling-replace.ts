import { setTimeout as pause } from 'node:timers/promises'
import { appContainers } from '../lab/containers.ts'
import { APP_IMAGE } from '../lab/image.ts'
import type { Fault, Stage } from './fault.ts'
import { failed, type Shot, summary } from './load.ts'
import { until } from './until.ts'
import { testApp, warm } from './warm.ts'

const RATE = 50
const REQUESTS = 400
const NEXT_IMAGE = 'reveille-test/app:2'
/** Milliseconds: the drain time and 5 s. */
const REMOVED = 35_000
/** Of load before and after, milliseconds. */
const AROUND = 2_000

/** Two instances are replaced by two of another image under load. */
export const rollingReplace: Fault = {
  id: 'P04',
  title: 'rolling replace',
  run: async (stage) => {
    const { fleet, oracle } = stage
    const [repo = '', tag = ''] = NEXT_IMAGE.split(':')
    for (const { docker } of fleet.hosts) await docker.getImage(APP_IMAGE).tag({ repo, tag })
    await warm(stage, [testApp('shop', { replicas: 2 })])
    const old = await containersOf(stage, APP_IMAGE)
    const done = oracle.healthy('shop')
    const load = oracle.load({ apps: ['shop'], rate: RATE })
    await pause(AROUND)

    const [launcher] = fleet.launchers
    const answer = await launcher?.api('POST', '/v1/apps/shop/replace', { image: NEXT_IMAGE })
    const replaced = performance.now()
    const removed = await until('the old containers are removed', 120_000, async () => {
      const left = await containersOf(stage, APP_IMAGE)
      return left.length === 0
    })
    await until('enough was asked', 60_000, () => load.shots.length >= REQUESTS)
    await pause(AROUND)
    const shots = await load.stop()
    done()

    const violations = failed(shots).map((words) => `P04: ${words}`)
    if (answer?.status !== 200) violations.push(`P04: the API said ${answer?.text}`)
    if (old.length !== 2) violations.push(`P04: ${old.length} instances of v1 ran before`)
    const stale = shots.filter((shot) => shot.began > replaced && isOf(shot, old))
    if (stale.length > 0) violations.push(`P04: ${stale.length} answers of v1 after it was done`)
    if (removed > REMOVED) violations.push(`P04: v1 was removed after ${Math.round(removed)} ms`)
    const next = await containersOf(stage, NEXT_IMAGE)
    if (next.length !== 2) violations.push(`P04: ${next.length} instances of v2 run`)
    const figure = `${summary(shots)}, ${stale.length} of v1 after done, v1 removed ${(removed / 1000).toFixed(1)} s later`
    return { figure, violations }
  },
}

/** Ids that all containers of ours have as host names that were made of an image, on all hosts. */
async function containersOf({ fleet }: Stage, image: string): Promise<string[]> {
  const lists = await Promise.all(
    fleet.hosts.map(({ docker }) => appContainers(docker, { app: 'shop', all: true })),
  )
  return lists
    .flat()
    .filter(({ Image }) => Image === image)
    .map(({ hostId }) => hostId)
}

const isOf = ({ seen }: Shot, ids: readonly string[]): boolean =>
  seen !== null && ids.some((id) => id.startsWith(seen.host))
