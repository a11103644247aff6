import { createHmac } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadSettings } from '../../adapters/settings.ts'
import { refuseReading } from '../../cli/embedded/reading.ts'
import { temporaryFolder } from '../lab/folder.ts'
import { type CliStage, openCliStage } from './stage.ts'

let stage: CliStage
let path: string
beforeAll(async () => {
  stage = await openCliStage()
  path = join(await temporaryFolder(), 'key')
  await writeFile(path, `${'k'.repeat(32)}\n`)
})
afterAll(() => stage.close())

it('is the name in lower case and what any language makes of it', async () => {
  const wanted = createHmac('sha256', 'k'.repeat(32)).update('minion-1').digest('hex')
  const { code, out } = await stage.cli(['cookie', 'Minion-1', '--cookie-key-file', path])
  expect([code, out]).toEqual([0, `minion-1.${wanted}\n`])
})

it('needs a name and a key', async () => {
  const none = await stage.cli(['cookie', 'minion-1'])
  expect(none.code).not.toBe(0)
  expect(none.err).toContain('--cookie-key-file')
  const wrong = await stage.cli(['cookie', 'a/b', '--cookie-key-file', path])
  expect(wrong.err).toContain('is no name of an app')
  const missing = await stage.cli(['cookie', 'a', '--cookie-key-file', `${path}.none`])
  expect(missing.err).toContain('no such file')
  expect(missing.code).not.toBe(0)
})

it('is asked for only with settings that make sense together', () => {
  const settings = loadSettings({}, {})
  expect(() => refuseReading(settings)).not.toThrow()
  expect(() => refuseReading({ ...settings, fallback: '/home' })).toThrow('give --cookie, too')
  const keyed = { ...settings, cookieKeyFile: path }
  expect(() => refuseReading(keyed)).toThrow('say by which cookie, --cookie instance')
  const logs = { ...settings, proxy: 'haproxy', accessLog: 'syslog' } as const
  expect(() => refuseReading(logs)).toThrow('--access-log needs nginx')
  const given = { ...settings, cookie: 'instance', cookieKeyFile: path }
  expect(() => refuseReading({ ...given, fallback: '/home' })).not.toThrow()
  const missing = { ...given, cookieKeyFile: `${path}.none` }
  expect(() => refuseReading(missing)).toThrow('--cookie-key-file: ENOENT')
})
