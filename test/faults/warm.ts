import type { AppInput } from '../../model/app.ts'
import { APP_IMAGE } from '../lab/image.ts'
import { disagreements } from './agreement.ts'
import type { Stage } from './fault.ts'
import { failed } from './load.ts'
import { until } from './until.ts'

/** Milliseconds that a crowd of first starts may take on a machine that runs a whole fleet. */
const PATIENCE = 120_000

/** The test app under this name; it does not sleep by itself meanwhile unless told otherwise. */
export function testApp(name: string, more: Partial<AppInput> = {}): AppInput {
  return { name, image: APP_IMAGE, idleAfter: '1h', ...more, env: { NAME: name, ...more.env } }
}

/** `busy-1` to `busy-20`. */
export function crowd(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `busy-${index + 1}`)
}

/** Woken at once: a herd of first starts is a fault of its own. */
const AT_ONCE = 4

/** Adds apps and wakes them, a few at once; resolves when both gateways route to all of them and to nothing else. */
export async function warm({ fleet, oracle, subject }: Stage, apps: AppInput[]): Promise<void> {
  const end = performance.now() + PATIENCE
  for (const app of apps) await fleet.add(app)
  // One that has not heard of an app yet says that there is none, and that is a mistake only once it has.
  const known = async (): Promise<boolean> => {
    const asked = fleet.launchers.flatMap((launcher) =>
      apps.map(({ name }) => launcher.api('GET', `/v1/apps/${name}`)),
    )
    return (await Promise.all(asked)).every(({ status }) => status === 200)
  }
  await until('all launchers know them', PATIENCE, known)
  const asleep = apps.map(({ name }) => name)
  while (asleep.length > 0) {
    const group = asleep.splice(0, AT_ONCE)
    const shots = await oracle.load({ apps: group, rate: 1_000, count: group.length }).done()
    // On a machine that is busy with everything else a wake may be told to come again.
    asleep.push(...shots.filter(({ status }) => status !== 200).map(({ app }) => app))
    if (performance.now() > end) throw new Error(`they do not wake: ${failed(shots).join('; ')}`)
  }
  const wanted = apps.reduce((sum, { replicas = 1 }) => sum + replicas, 0)
  await until('all apps are routed', PATIENCE, async () => {
    const picture = await subject.picture()
    return picture.endpoints.size === wanted && disagreements(picture).length === 0
  })
}
