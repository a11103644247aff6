import { type Answer, ask } from '../../system/client.ts'
import type { Fleet } from './follow.ts'
import type { Machine } from './machine.ts'

/** The apps the page adds. */
export const APPS = ['A', 'B', 'C', 'D']

/** Milliseconds until every app answers at every gateway, each asked again until it does. */
async function answered(gateways: Machine[], seconds: number): Promise<number> {
  const start = performance.now()
  const end = Date.now() + seconds * 1000
  for (const { address } of gateways)
    for (const app of APPS) {
      let last: Answer | Error
      do {
        last = await ask(`http://${address}`, `/${app}/name`, { timeout: 20_000 }).catch(
          (error: Error) => error,
        )
        if (Date.now() > end)
          throw new Error(`${app} does not answer at ${address}: ${JSON.stringify(last)}`)
      } while (last instanceof Error || last.status !== 200 || !last.text.includes(`"${app}"`))
    }
  return performance.now() - start
}

function report(what: string, milliseconds: number): void {
  console.log(`${what}: ${(milliseconds / 1000).toFixed(1)} s`)
}

async function joined(machine: Machine, by: Machine): Promise<void> {
  await by.type(
    `for i in $(seq 90); do reveille hosts | grep -q '^${machine.name} ' && exit; sleep 1; done; exit 1`,
  )
}

/** Pulls the plug of one machine after the other, then of all at once; the apps must answer every time. */
export async function suffer({ one, two, three }: Fleet): Promise<void> {
  report('all apps at both gateways', await answered([one, two], 60))
  await three.cut()
  report('the same without three', await answered([one, two], 60))
  await three.start()
  await joined(three, one)
  await one.cut()
  report('at two without one', await answered([two], 60))
  await one.start()
  await joined(one, two)
  report('at both again', await answered([one, two], 60))
  await Promise.all([one.cut(), two.cut(), three.cut()])
  await Promise.all([one.start(), two.start(), three.start()])
  report('after all three were off', await answered([one, two], 120))
  for (const machine of [one, two, three]) await joined(machine, two)
}
