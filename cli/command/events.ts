import type { Command } from 'commander'
import { escapeLine, printJson } from '../escape.ts'
import { addExamples } from '../option.ts'
import { addConnection, withSession } from '../session.ts'
import type { StreamEvent } from '../stream.ts'
import { paint, type Terminal } from '../terminal.ts'

/** `reveille events` */
export function addEvents(program: Command, terminal: Terminal): void {
  const events = program.command('events').description('follow what happens, until Ctrl-C')
  addExamples(addConnection(events), [
    ['reveille events', 'wakes, instances that come and go, changed apps'],
    ['reveille events --json | jq -c .', 'one JSON object a line'],
  ])
  events.action((flags: Record<string, unknown>) =>
    withSession(terminal, flags, async ({ api, json }) => {
      for await (const event of api.events('GET', '/v1/events')) {
        if (json) terminal.out(`${printJson({ event: event.event, ...fieldsOf(event) }, 0)}\n`)
        else terminal.out(`${lineOf(terminal, event)}\n`)
      }
    }),
  )
}

function fieldsOf({ data }: StreamEvent): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(data)
    if (typeof value === 'object' && value !== null) return { ...value }
  } catch {
    // shown as it is
  }
  return { data }
}

/** `12:30:01  wake  app=shop phase=ready` */
function lineOf(terminal: Terminal, event: StreamEvent): string {
  const { time, type: _, ...fields } = fieldsOf(event)
  const clock = new Date(typeof time === 'string' ? time : Date.now())
  const stamp = Number.isNaN(clock.valueOf()) ? '' : clock.toISOString().slice(11, 19)
  const words = Object.entries(fields).map(([name, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    return `${escapeLine(name)}=${escapeLine(text)}`
  })
  return [paint(terminal, 'dim', stamp), escapeLine(event.event), ...words].join('  ')
}
