import type { Command } from 'commander'
import { printJson } from '../escape.ts'
import { addExamples } from '../option.ts'
import { waitInSight } from '../progress.ts'
import { Slept, understand, Woken } from '../reply.ts'
import { addConnection, pathOf, type Session, withSession } from '../session.ts'
import type { Terminal } from '../terminal.ts'
import { inTurn } from '../turn.ts'

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
    change(terminal, names, flags, 'restart', async (answer, { urlOf }) => {
      const { app } = understand(Woken, answer)
      return `${app} is ready again at ${await urlOf(app)}`
    }),
  )
}

async function change(
  terminal: Terminal,
  names: string[],
  flags: Record<string, unknown>,
  verb: 'sleep' | 'restart',
  tell: (answer: unknown, session: Session) => string | Promise<string>,
): Promise<void> {
  await withSession(terminal, flags, async (session) => {
    const { api, json } = session
    const apps = names.map((name) => ({ name, path: `${pathOf('app', name)}/${verb}` }))
    const answers: unknown[] = []
    try {
      await inTurn(apps, async ({ name, path }) => {
        const work = api.send('POST', path, { patient: true })
        const answer = await waitInSight(terminal, `${name}: its open requests may end`, work)
        answers.push(answer)
        if (!json) terminal.out(`${await tell(answer, session)}\n`)
      })
    } finally {
      if (json) terminal.out(`${printJson(answers)}\n`)
    }
  })
}
