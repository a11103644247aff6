import type { AppInput } from '../../model/app.ts'
import { APP_IMAGE } from '../lab/image.ts'
import { disagreements } from './agreement.ts'
import type { Stage } from './fault.ts'
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

/** Adds apps and wakes them, one request each; resolves when both gateways route to all of them and to nothing else. */
export async function warm({ fleet, oracle, subject }: Stage, apps: AppInput[]): Promise<void> {
  for (const app of apps) await fleet.add(app)
  const names = apps.map(({ name }) => name)
  const shots = await oracle.load({ apps: names, rate: 50, count: names.length }).done()
  for (const { app, status, error } of shots)
    if (status !== 200) throw new Error(`${app} did not wake: ${error ?? status}`)
  const wanted = apps.reduce((sum, { replicas = 1 }) => sum + replicas, 0)
  await until('all apps are routed', PATIENCE, async () => {
    const picture = await subject.picture()
    return picture.endpoints.size === wanted && disagreements(picture).length === 0
  })
}
