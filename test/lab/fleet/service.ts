import { join } from 'node:path'
import { ask } from '../../system/client.ts'
import type { Flags } from './fleet.ts'
import type { Plan } from './program.ts'

const MAIN = join(import.meta.dirname, '../../../dist/cli/main.js')

/** How one of our services is started: built, as an operator runs it. `origin`: where it answers about its health. */
export function servicePlan(
  service: 'registrar' | 'controller' | 'launcher',
  origin: string,
  flags: Flags,
): Plan {
  const words = Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
  return {
    command: [process.execPath, MAIN, service, ...words],
    // any answer: a service whose etcd is away is up, and says that it is not well
    ready: async () => (await ask(origin, '/healthz', { timeout: 1_000 })).status > 0,
  }
}
