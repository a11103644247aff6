import type { App } from '../../model/app.ts'
import { formatDuration } from '../../model/duration.ts'
import { escapeLine } from '../escape.ts'
import { type Cell, printTable } from '../table.ts'
import { type Color, paint, type Terminal } from '../terminal.ts'
import type { Kind, Note } from './note.ts'

/** What an import does with an app: it is not there yet, it is and stays or gives way, or nobody could be asked. */
export type Fate = 'new' | 'stays' | 'replaced' | 'unknown'

const FATES: Record<Fate, Cell> = {
  new: { text: 'new', color: 'green' },
  stays: { text: 'is there, stays', color: 'yellow' },
  replaced: { text: 'is there, replaced', color: 'yellow' },
  unknown: '?',
}

const KINDS: Record<Kind, { color: Color; title: string }> = {
  refused: { color: 'red', title: 'Cannot be an app:' },
  left: { color: 'yellow', title: 'Not carried over:' },
  changed: { color: 'cyan', title: 'Not quite the same:' },
}

/** Prints the apps that a file becomes, then what has to be told about it, the worst first. */
export function printPlan(
  terminal: Terminal,
  file: string,
  apps: readonly App[],
  notes: readonly Note[],
  fateOf: (name: string) => Fate,
): void {
  const rows = apps.map((app) => [
    app.name,
    FATES[fateOf(app.name)],
    app.image,
    String(app.port),
    whereOf(app),
    app.min > 0 ? 'never' : formatDuration(app.idleAfter),
    app.dependsOn.join(', '),
    app.group ?? '',
    app.volumes.join(', '),
  ])
  const head = ['APP', 'STATE', 'IMAGE', 'PORT', 'AT', 'SLEEPS', 'NEEDS', 'GROUP', 'KEEPS']
  if (rows.length > 0) printTable(terminal, head, rows)
  for (const [kind, { color, title }] of Object.entries(KINDS)) {
    const some = notes.filter((note) => note.kind === kind)
    if (some.length === 0) continue
    terminal.out(`\n${paint(terminal, color, title)}\n`)
    for (const note of some) terminal.out(`  ${escapeLine(lineOf(file, note))}\n`)
  }
}

function whereOf({ name, route, routes }: App): string {
  const all = [...(route === 'path' ? [`/${name}/`] : []), ...routes]
  return all.join(', ') || 'only its group'
}

/** `compose.yml:7 web.privileged: why. Instead: what.` */
export function lineOf(file: string, { line, service, key, why, instead }: Note): string {
  const place = line === null ? file : `${file}:${line}`
  const what = [service, key].filter((part) => part !== '').join('.')
  return `${place} ${what}: ${why}.${instead === '' ? '' : ` Instead: ${instead}.`}`
}
