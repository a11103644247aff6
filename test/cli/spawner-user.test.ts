import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkPassword } from '../../adapters/password.ts'
import { readUsers } from '../../adapters/user-file.ts'
import { temporaryFolder } from '../lab/folder.ts'
import { run } from './stage.ts'

test('a user is added with a password made for it, changed, listed and removed', async () => {
  const folder = join(await temporaryFolder(), 'state')
  const path = join(folder, 'spawner-users')
  const cli = (argv: string[], stdin = '') =>
    run(['spawner-user', ...argv, '--state-dir', folder], { stdin })

  const added = await cli(['add', 'home'])
  expect([added.code, added.err]).toEqual([0, `home may log in (${path})\n`])
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  const password = added.out.trim()
  expect(await readFile(path, 'utf8')).not.toContain(password)
  const record = async (name: string) => (await readUsers(path)).get(name) ?? null
  expect(await checkPassword(password, await record('home'))).toBe(true)
  expect(await checkPassword(`${password}x`, await record('home'))).toBe(false)
  expect(await checkPassword(password, null)).toBe(false)

  const other = await cli(['add', 'home', '--stdin'], 'one of my own\n')
  expect([other.code, other.out, other.err]).toEqual([
    0,
    '',
    `home has another password (${path})\n`,
  ])
  expect(await checkPassword('one of my own', await record('home'))).toBe(true)
  expect(await checkPassword(password, await record('home'))).toBe(false)

  await cli(['add', 'backup'])
  expect((await cli(['ls'])).out).toBe('home\nbackup\n')
  expect((await cli(['rm', 'home'])).code).toBe(0)
  expect((await cli(['ls'])).out).toBe('backup\n')
  expect(await cli(['rm', 'home'])).toMatchObject({ code: 1 })
})

test.each([
  ['a name with a colon', ['add', 'a:b'], ''],
  ['a password that is too short', ['add', 'home', '--stdin'], 'short\n'],
  ['two lines', ['add', 'home', '--stdin'], 'first line\nsecond line\n'],
])('%s is refused, and no file made', async (_, argv, stdin) => {
  const folder = await temporaryFolder()
  const { code } = await run(['spawner-user', ...argv, '--state-dir', folder], { stdin })
  expect(code).toBe(2)
  await expect(stat(join(folder, 'spawner-users'))).rejects.toThrow()
})

test.each([
  'home',
  'home:secret',
  'home:$scrypt$ln=30,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  ':$scrypt$ln=15,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
])('a file with the line %s is refused, by number', async (line) => {
  const path = join(await temporaryFolder(), 'users')
  await writeFile(path, `# who may log in\n\n${line}\n`)
  await expect(readUsers(path)).rejects.toThrow('line 3 of')
})
