import { createHmac } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readCookieKey, signName } from '../../adapters/cookie.ts'
import { temporaryFolder } from '../lab/folder.ts'

it('is the HMAC-SHA256 of the name in lower case, under the key without the line end of its file', async () => {
  const path = join(await temporaryFolder(), 'key')
  const secret = 'a'.repeat(32)
  await writeFile(path, `${secret}\r\n`)
  const wanted = createHmac('sha256', secret).update('minion-1').digest('hex')
  expect(signName(readCookieKey(path) as string, 'Minion-1')).toBe(wanted)
})

it('needs a key that is there and cannot be guessed', async () => {
  const path = join(await temporaryFolder(), 'key')
  expect(readCookieKey('')).toBeNull()
  expect(() => readCookieKey(path)).toThrow(/--cookie-key-file: .*no such file/)
  for (const text of ['', '\n', `${'a'.repeat(15)}\n`]) {
    await writeFile(path, text)
    expect(() => readCookieKey(path)).toThrow('must hold a key of 16')
  }
})
