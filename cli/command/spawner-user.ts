import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Command } from 'commander'
import { hashPassword } from '../../adapters/password.ts'
import { loadSettings } from '../../adapters/settings.ts'
import { readUsers, writeUsers } from '../../adapters/user-file.ts'
import { isAppName } from '../../model/name.ts'
import { Failure, misuse } from '../failure.ts'
import { addExamples, addSettings } from '../option.ts'
import type { Terminal } from '../terminal.ts'

const SHORTEST = 8
const LONGEST = 256

type Flags = Record<string, unknown> & { stdin?: boolean }

/** `reveille spawner-user add|rm|ls` */
export function addSpawnerUser(program: Command, terminal: Terminal): void {
  const user = program
    .command('spawner-user')
    .description('who may log in to the spawner API of the launchers that have this file')
  addExamples(user, [['reveille spawner-user add home', 'a user, and its password']])

  const add = user.command('add').description('add a user, or give one another password')
  add.argument('<name>', 'the user').option('--stdin', 'read the password from stdin')
  addExamples(addFile(add), [
    ['reveille spawner-user add home', 'prints a password made for it, once'],
    ['pass show home | reveille spawner-user add home --stdin', 'with one of your own'],
  ])
  add.action(async (name: string, flags: Flags) => {
    if (!isAppName(name))
      throw misuse(`"${name}" is no name of a user`, 'Names are as those of apps.')
    const path = fileOf(flags, terminal)
    const users = new Map(await readUsers(path))
    const made = randomBytes(18).toString('base64url')
    const password = flags.stdin ? checked(await terminal.read()) : made
    const isKnown = users.has(name)
    await writeUsers(path, users.set(name, await hashPassword(password)))
    terminal.err(`${name} ${isKnown ? 'has another password' : 'may log in'} (${path})\n`)
    if (!flags.stdin) terminal.out(`${password}\n`)
  })

  const remove = user.command('rm').description('remove a user; its tokens end with it')
  remove.argument('<name>', 'the user')
  addExamples(addFile(remove), [['reveille spawner-user rm home', 'from the next request on']])
  remove.action(async (name: string, flags: Flags) => {
    const path = fileOf(flags, terminal)
    const users = new Map(await readUsers(path))
    if (!users.delete(name)) throw new Failure(`there is no user ${name} in ${path}`)
    await writeUsers(path, users)
    terminal.out(`${name} is removed\n`)
  })

  const list = user.command('ls').description('list the users')
  addExamples(addFile(list), [['reveille spawner-user ls', 'their names']])
  list.action(async (flags: Flags) => {
    for (const name of (await readUsers(fileOf(flags, terminal))).keys()) terminal.out(`${name}\n`)
  })
}

const addFile = (command: Command): Command =>
  addSettings(command, 'Settings:', ['spawnerUsers', 'stateDir'])

function fileOf(flags: Flags, terminal: Terminal): string {
  const { spawnerUsers, stateDir } = loadSettings(flags, terminal.env)
  return spawnerUsers || join(stateDir, 'spawner-users')
}

function checked(text: string): string {
  const password = text.replace(/\r?\n$/, '')
  if (password.length >= SHORTEST && password.length <= LONGEST && !password.includes('\n'))
    return password
  throw misuse(`the password must be one line of ${SHORTEST} to ${LONGEST} characters`)
}
