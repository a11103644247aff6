import type { Command } from 'commander'
import { escapeLine, escapeText, printJson } from '../escape.ts'
import { Failure, Gone } from '../failure.ts'
import { addExamples } from '../option.ts'
import { ProgressLine } from '../progress.ts'
import { Step, Told, understandText, Woken } from '../reply.ts'
import { addConnection, pathOf, type Session, withSession } from '../session.ts'
import type { Terminal } from '../terminal.ts'

/** How many of an app's last lines go with a failure. */
const TAIL = 20

/** `reveille wake <name>` */
export function addWake(program: Command, terminal: Terminal): void {
  const wake = program.command('wake').description('start an app and wait until it is ready')
  wake.argument('<name>', 'the app')
  addExamples(addConnection(wake), [
    ['reveille wake shop', 'with progress; exit code 1, the reason and its last lines if it fails'],
    ['reveille wake shop --json', 'each step as a line of JSON'],
  ])
  wake.action((name: string, flags: Record<string, unknown>) =>
    withSession(terminal, flags, (session) => wakeInSight(session, name)),
  )
}

async function wakeInSight(session: Session, name: string): Promise<void> {
  const { api, json, urlOf, terminal } = session
  const line = new ProgressLine(json ? { ...terminal, live: false, err: () => {} } : terminal)
  try {
    for await (const { event, data } of api.events('POST', `${pathOf('app', name)}/wake`)) {
      if (event === 'ready') {
        const woken = understandText(Woken, data)
        line.end()
        const url = await urlOf(woken.app)
        if (json) terminal.out(`${printJson({ event, ...woken, url }, 0)}\n`)
        else terminal.out(`${woken.app} is ready at ${url} (${line.elapsed})\n`)
        return
      }
      if (event === 'failed') {
        line.end()
        return await fail(session, name, data)
      }
      const step = understandText(Step, data)
      if (json) terminal.out(`${printJson({ event, ...step }, 0)}\n`)
      else if (step.phase !== 'ready' && step.phase !== 'failed') line.show(step)
    }
  } catch (error) {
    if (!(error instanceof Gone)) throw error
  } finally {
    line.end()
  }
  if (terminal.interrupt().aborted)
    throw new Failure('interrupted', [`${name} goes on starting: others may wait for it.`])
  throw new Failure(`the launcher went away while ${name} was starting`, [
    `Try again: reveille wake ${name}`,
  ])
}

async function fail(session: Session, name: string, data: string): Promise<never> {
  const { title, detail = '', retryAfter } = understandText(Told, data)
  // The lines after the reason are the last ones of the app, where its engine gave them.
  const [reason = '', ...told] = detail.split('\n')
  const hints: string[] = []
  if (session.json) {
    const problem: unknown = JSON.parse(data)
    session.terminal.out(`${printJson({ event: 'failed', problem }, 0)}\n`)
  } else if (showLines(session.terminal, name, await readLines(session, name, told)))
    hints.push(`See more of what it printed: reveille logs ${name} -n 200`)
  if (retryAfter !== undefined) hints.push(`Another try makes sense in ${retryAfter} s.`)
  throw new Failure(reason === '' ? title : `${title}: ${reason}`, hints)
}

/** The end of what the app printed; what came with the failure where there is no more to be had. */
async function readLines({ api }: Session, name: string, told: string[]): Promise<string[]> {
  const lines: string[] = []
  try {
    for await (const line of api.lines(`${pathOf('app', name)}/logs?tail=${TAIL}`)) lines.push(line)
  } catch {
    return told
  }
  return lines.length > 0 ? lines.slice(-TAIL) : told
}

function showLines(terminal: Terminal, name: string, lines: string[]): boolean {
  if (lines.length === 0) return false
  terminal.err(`The last lines of ${escapeLine(name)}:\n`)
  for (const line of lines) terminal.err(`  ${escapeText(line)}\n`)
  return true
}
