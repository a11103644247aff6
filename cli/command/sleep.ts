import type { Command } from 'commander'
import { printJson } from '../escape.ts'
import { addExamples } from '../option.ts'
import { Slept, understand, Woken } from '../reply.ts'
import { addConnection, pathOf, type Session, urlOf, withSession } from '../session.ts'
import type { Terminal } from '../terminal.ts'

/** Seconds a sleep may take: open requests are waited for, as long as the registrar's drain-timeout says. */
const PATIENCE = 3600

/** `reveille sleep <name...>` */
export function addSleep(program: Command, terminal: Terminal): void {
  const sleep = program.command('sleep').description('stop apps; the next request starts them')
  sleep.argument('<name...>', 'the apps')
  addExamples(addConnection(sleep), [['reveille sleep shop', 'open requests are waited for']])
  sleep.action((names: string[], flags: Record<string, unknown>) =>
    change(terminal, names, flags, 'sleep', (answer) => {
      const { app, asked, state } = understand(Slept, answer)
      if (asked === 0) return `${app} was asleep`
      return state === 'asleep'
        ? `${app} is asleep`
        : `${app} is ${state}: it was asked for meanwhile`
    }),
  )
}

/** `reveille restart <name...>` */
export function addRestart(program: Command, terminal: Terminal): void {
  const restart = program.command('restart').description('stop apps and start them again')
  restart.argument('<name...>', 'the apps')
  addExamples(addConnection(restart), [['reveille restart shop', 'after a change of its image']])
  restart.action((names: string[], flags: Record<string, unknown>) =>
    change(terminal, names, flags, 'restart', (answer, { settings }) => {
      const { app } = understand(Woken, answer)
      return `${app} is ready again at ${urlOf(settings, app)}`
    }),
  )
}

async function change(
  terminal: Terminal,
  names: string[],
  flags: Record<string, unknown>,
  verb: 'sleep' | 'restart',
  tell: (answer: unknown, session: Session) => string,
): Promise<void> {
  await withSession(terminal, flags, async (session) => {
    const paths = names.map((name) => `${pathOf('app', name)}/${verb}`)
    const answers: unknown[] = []
    for (const path of paths) {
      const answer = await session.api.send('POST', path, { deadline: PATIENCE })
      answers.push(answer)
      if (!session.json) terminal.out(`${tell(answer, session)}\n`)
    }
    if (session.json) terminal.out(`${printJson(answers)}\n`)
  })
}
