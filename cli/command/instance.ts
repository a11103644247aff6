import type { Command } from 'commander'
import { printJson } from '../escape.ts'
import { addExamples } from '../option.ts'
import { Instances, understand } from '../reply.ts'
import { addConnection, nameOf, pathOf, withSession } from '../session.ts'
import { type Cell, printTable } from '../table.ts'
import type { Color, Terminal } from '../terminal.ts'

const COLORS: Record<string, Color> = {
  ready: 'green',
  starting: 'cyan',
  stopping: 'cyan',
  exited: 'red',
}

/** A state in its colour; being asleep needs none. */
export function stateCell(state: string): Cell {
  const color = COLORS[state]
  return color ? { text: state, color } : state
}

/** `reveille ps [name]` */
export function addPs(program: Command, terminal: Terminal): void {
  const ps = program.command('ps').description('list instances and where they run')
  ps.argument('[name]', 'only those of this app')
  addExamples(addConnection(ps), [
    ['reveille ps', 'every instance'],
    ['reveille ps shop --json', 'those of shop, for a script'],
  ])
  ps.action((name: string | undefined, flags: Record<string, unknown>) =>
    withSession(terminal, flags, async ({ api, json }) => {
      const query = name === undefined ? '' : `?app=${nameOf('app', name)}`
      const { instances } = understand(Instances, await api.get(`/v1/instances${query}`))
      // Whether there is such an app only the API knows; its refusal is the answer.
      if (name !== undefined && instances.length === 0) await api.get(pathOf('app', name))
      if (json) return terminal.out(`${printJson(instances)}\n`)
      if (instances.length === 0)
        return terminal.err(
          name === undefined
            ? 'Nothing has been started yet.\n'
            : `${name} has not been started yet.\n`,
        )
      const ready = new Map<string, number>()
      for (const { app, state } of instances)
        if (state === 'ready') ready.set(app, (ready.get(app) ?? 0) + 1)
      const rows = instances.map((instance) => [
        instance.app,
        instance.replicas === null ? '' : `${ready.get(instance.app) ?? 0}/${instance.replicas}`,
        String(instance.slot),
        instance.state === 'exited'
          ? { text: `exited (${instance.exitCode})`, color: 'red' as const }
          : stateCell(instance.state),
        instance.host ?? '',
        instance.endpoint ?? '',
      ])
      printTable(terminal, ['APP', 'READY', 'SLOT', 'STATE', 'HOST', 'ENDPOINT'], rows)
    }),
  )
}
