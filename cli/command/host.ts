import type { Command } from 'commander'
import { isId } from '../../model/key.ts'
import { escapeLine, printJson } from '../escape.ts'
import { Failure, misuse } from '../failure.ts'
import { addExamples } from '../option.ts'
import { Drained, Undrained, understand, understandText } from '../reply.ts'
import { addConnection, type Session, withSession } from '../session.ts'
import type { Terminal } from '../terminal.ts'
import { rollInSight } from './roll.ts'

/** `reveille host drain|undrain` */
export function addHost(program: Command, terminal: Terminal): void {
  const host = program
    .command('host')
    .description('empty a machine, and use it again; hosts lists them')
  addExamples(host, [
    ['reveille host drain h1', 'before you update or remove the machine h1'],
    ['reveille host undrain h1', 'apps may run there again'],
  ])
  const drain = host.command('drain').description('place nothing on a host, move its apps away')
  drain.argument('<host>', 'its name, as reveille hosts shows it')
  addExamples(addConnection(drain), [
    ['reveille host drain h1', 'exit code 0 when it is empty; run it again to go on'],
  ])
  drain.action((name: string, flags: Record<string, unknown>) =>
    withSession(terminal, flags, (session) => drainInSight(session, name)),
  )
  const undrain = host.command('undrain').description('place apps on a host again')
  undrain.argument('<host>', 'its name, as reveille hosts shows it')
  addExamples(addConnection(undrain), [['reveille host undrain h1', 'nothing moves back by it']])
  undrain.action((name: string, flags: Record<string, unknown>) =>
    withSession(terminal, flags, async ({ api, json }) => {
      const done = understand(Undrained, await api.send('DELETE', pathOf(name)))
      terminal.out(json ? `${printJson(done)}\n` : `${done.host} may have apps again\n`)
    }),
  )
}

function pathOf(host: string): string {
  if (!isId(host)) throw misuse(`"${host}" is no name of a host`, 'See their names: reveille hosts')
  return `/v1/hosts/${host}/drain`
}

async function drainInSight(session: Session, host: string): Promise<void> {
  const { json, terminal } = session
  const data = await rollInSight(session, {
    ...{ method: 'PUT', path: pathOf(host), done: 'drained' },
    goesOn: `${host} goes on being drained; run this again to see how that ends.`,
  })
  const { moved, removed, left } = understandText(Drained, data)
  if (json) terminal.out(`${printJson({ event: 'drained', ...(JSON.parse(data) as object) }, 0)}\n`)
  const done = `${moved} moved, ${removed} that slept removed`
  if (left.length > 0)
    throw new Failure(`${host} is not empty yet (${done})`, [
      ...left.map(({ app, slot, reason }) => `${escapeLine(app)}/${slot}: ${escapeLine(reason)}`),
      `Nothing new is placed there until: reveille host undrain ${host}. Go on: the same command again.`,
    ])
  if (!json) terminal.out(`${host} is empty (${done})\n`)
}
