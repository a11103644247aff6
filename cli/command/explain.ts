import type { Command } from 'commander'
import type { z } from 'zod'
import { printJson } from '../escape.ts'
import { misuse } from '../failure.ts'
import { addExamples } from '../option.ts'
import { PlacementView, understand } from '../reply.ts'
import { addConnection, pathOf, withSession } from '../session.ts'
import { type Cell, printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'

type Place = z.output<typeof PlacementView>['hosts'][number]

const HEAD = ['HOST', 'VERDICT', 'CONTAINER', 'IMAGE', 'MEMORY', 'CPUS', 'INSTANCES', 'WHY']
const MIB = 1024 ** 2

/** `reveille explain <app>` */
export function addExplain(program: Command, terminal: Terminal): void {
  const explain = program
    .command('explain')
    .description('say on which host an app would start, and why not on the others')
  explain.argument('<name>', 'the app')
  explain.option('--slot <n>', 'of this slot; the lowest that does not run unless given')
  addExamples(addConnection(explain), [
    ['reveille explain shop', 'each host, the one it would go to first; nothing is started'],
    ['reveille explain shop --slot 1 --json', 'of its second instance, for a script'],
  ])
  explain.action((name: string, flags: Record<string, unknown> & { slot?: string }) =>
    withSession(terminal, flags, async ({ api, json }) => {
      const { slot } = flags
      if (slot !== undefined && !/^[0-9]{1,2}$/.test(slot)) throw misuse('--slot takes 0 to 99')
      const query = slot === undefined ? '' : `?slot=${slot}`
      const answer = await api.get(`${pathOf('app', name)}/placement${query}`)
      const found = understand(PlacementView, answer)
      if (json) return terminal.out(`${printJson(found)}\n`)
      if (found.hosts.length === 0)
        return terminal.err('No host is there: start a registrar on one, or see reveille doctor\n')
      printTable(terminal, HEAD, found.hosts.map(row))
    }),
  )
}

function row({ host, verdict, container, image, promised, limit, ...more }: Place): Cell[] {
  const share = (given: number | null, of: number | null, digits: number): string => {
    const round = (value: number): string => String(Number(value.toFixed(digits)))
    return of === null ? round(given ?? 0) : `${round(given ?? 0)} of ${round(of)}`
  }
  const mib = (bytes: number | null): number | null => (bytes === null ? null : bytes / MIB)
  return [
    host,
    verdictCell(verdict),
    container ?? 'not known',
    image ? 'there' : 'missing',
    `${share(mib(promised.memory), mib(limit.memory), 0)} MiB`,
    share(promised.cpus, limit.cpus, 2),
    share(promised.instances, limit.instances, 0),
    more.reason ?? (more.siblings > 0 ? `has ${more.siblings} more of it` : ''),
  ]
}

function verdictCell(verdict: Place['verdict']): Cell {
  if (verdict === 'chosen') return { text: verdict, color: 'green' }
  return verdict === 'refused' ? { text: verdict, color: 'red' } : verdict
}
