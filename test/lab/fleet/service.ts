import { join } from 'node:path'
import { THRIFT } from '../../../cli/embedded/environment.ts'
import type { Flags, ServiceName } from './fleet.ts'
import type { Machine } from './machine.ts'
import type { Plan } from './program.ts'
import { commonFlags, type Site } from './site.ts'

const MAIN = join(import.meta.dirname, '../../../dist/cli/main.js')

/** How one of our services is started: built, with the environment of its unit file. `port`: where it says how it is. */
export function servicePlan(
  site: Site,
  machine: Machine,
  service: ServiceName,
  own: { port: number; flags: Flags },
): Plan {
  const set = site.options.settings[service] ?? {}
  const flags = {
    ...commonFlags(site, machine),
    ...own.flags,
    ...(typeof set === 'function' ? set(machine.name) : set),
  }
  const words = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`)
  const variables = Object.entries(THRIFT).map(([name, value]) => `${name}=${value}`)
  return {
    command: ['env', ...variables, process.execPath, MAIN, service, ...words],
    // any answer: a service whose etcd is away is up, and says that it is not well
    ready: async () =>
      (await machine.statusOf(`http://${machine.address}:${own.port}/healthz`)) > 0,
  }
}
