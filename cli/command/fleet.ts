import type { Command } from 'commander'
import { printJson } from '../escape.ts'
import { addExamples } from '../option.ts'
import { Gateways, Hosts, understand } from '../reply.ts'
import { addConnection, withSession } from '../session.ts'
import { printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { stateCell } from './instance.ts'

const gib = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GiB`

const labelsOf = (labels: Record<string, string>): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(',')

/** `reveille hosts` */
export function addHosts(program: Command, terminal: Terminal): void {
  const hosts = program.command('hosts').description('list the machines apps may run on')
  addExamples(addConnection(hosts), [['reveille hosts', 'those whose registrar is alive']])
  hosts.action((flags: Record<string, unknown>) =>
    withSession(terminal, flags, async ({ api, json }) => {
      const { hosts: found } = understand(Hosts, await api.get('/v1/hosts'))
      if (json) return terminal.out(`${printJson(found)}\n`)
      if (found.length === 0)
        return terminal.err('No host is there: start a registrar on one, or see reveille doctor\n')
      const rows = found.map((host) => [
        host.name,
        host.alive ? stateCell('ready') : { text: 'no answer', color: 'red' as const },
        host.drained === null ? '' : { text: 'drained', color: 'yellow' as const },
        String(host.instances ?? ''),
        host.address,
        String(host.cpus),
        gib(host.memory),
        host.disk === undefined ? '' : gib(host.disk),
        labelsOf(host.labels),
        host.engine,
      ])
      printTable(
        terminal,
        [
          'NAME',
          'ENGINE',
          'NOTE',
          'RUNNING',
          'ADDRESS',
          'CPUS',
          'MEMORY',
          'DISK FREE',
          'LABELS',
          'URL',
        ],
        rows,
      )
    }),
  )
}

/** `reveille gateways` */
export function addGateways(program: Command, terminal: Terminal): void {
  const gateways = program.command('gateways').description('list the proxies and what they run')
  addExamples(addConnection(gateways), [
    ['reveille gateways', 'with what each of them refused, and why'],
  ])
  gateways.action((flags: Record<string, unknown>) =>
    withSession(terminal, flags, async ({ api, json }) => {
      const { gateways: found } = understand(Gateways, await api.get('/v1/gateways'))
      if (json) return terminal.out(`${printJson(found)}\n`)
      if (found.length === 0)
        return terminal.err('No gateway is there: start a controller, or see reveille doctor\n')
      const rows = found.map((gateway) => [
        gateway.id,
        gateway.applied,
        String(gateway.generation),
        String(gateway.endpoints),
        gateway.failure
          ? { text: gateway.failure, color: 'red' as const }
          : gateway.rejected.map(({ key, reason }) => `${key}: ${reason}`).join('; '),
      ])
      printTable(terminal, ['ID', 'APPLIED', 'GENERATION', 'ENDPOINTS', 'REFUSED'], rows)
    }),
  )
}
