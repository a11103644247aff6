import { chmod, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openToken } from '../../adapters/token.ts'
import { temporaryFolder } from '../lab/folder.ts'

test('the first start makes a token only this user may read', async () => {
  const folder = join(await temporaryFolder(), 'state')
  const made = await openToken(folder)
  expect(made.token).toMatch(/^[A-Za-z0-9_-]{43}$/)
  expect(made.exposed).toBe(false)
  expect((await stat(made.path)).mode & 0o777).toBe(0o600)
  expect((await stat(folder)).mode & 0o777).toBe(0o700)
  expect(await openToken(folder)).toEqual(made)
  expect(await readdir(folder)).toEqual(['token'])
})

test('processes that start at the same time get the same one', async () => {
  const folder = await temporaryFolder()
  const all = await Promise.all(Array.from({ length: 20 }, () => openToken(folder)))
  expect(new Set(all.map(({ token }) => token)).size).toBe(1)
  expect(await readdir(folder)).toEqual(['token'])
})

test('a file others may read is told', async () => {
  const folder = await temporaryFolder()
  const { path } = await openToken(folder)
  await chmod(path, 0o640)
  expect((await openToken(folder)).exposed).toBe(true)
})

test.each(['', 'short', 'has a space in the middle', `${'x'.repeat(600)}`])(
  'a file that holds no token is refused: %j',
  async (content) => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'token'), content, { mode: 0o600 })
    await expect(openToken(folder)).rejects.toThrow('must hold a token')
  },
)
