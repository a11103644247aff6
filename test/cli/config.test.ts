import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../lab/folder.ts'
import { run } from './stage.ts'

test('Flags win over the environment, the environment over the file.', async () => {
  const file = join(await temporaryFolder(), 'reveille.json')
  await writeFile(file, JSON.stringify({ holdTimeout: '10s', pageAfter: 10, prefix: '/file' }))
  const env = { REVEILLE_CONFIG: file, REVEILLE_HOLD_TIMEOUT: '20s', REVEILLE_PAGE_AFTER: '20' }
  const { code, out } = await run(['config', '--json', '--page-after', '30'], { env })
  expect(code).toBe(0)
  expect(JSON.parse(out)).toMatchObject({ holdTimeout: 20, pageAfter: 30, prefix: '/file' })
})

test('Secrets are masked, also those inside URLs.', async () => {
  const env = {
    REVEILLE_TOKEN: 'secret-1',
    REVEILLE_ETCD_PASSWORD: 'secret-2',
    REVEILLE_ETCD: 'http://user:secret-3@127.0.0.1:2379',
    REVEILLE_AVAILABLE: 'https://secret-4@hook.example/may',
  }
  for (const argv of [['config'], ['config', '--json']]) {
    const { code, out } = await run(argv, { env })
    expect(code).toBe(0)
    expect(out).not.toContain('secret')
    expect(out).toContain('********@127.0.0.1:2379')
  }
})

test('A file with a setting there is none of is refused by name.', async () => {
  const file = join(await temporaryFolder(), 'reveille.json')
  await writeFile(file, '{"holdTimout":"10s"}')
  const { code, err } = await run(['config', '--config', file])
  expect(code).toBe(2)
  expect(err).toContain('there is no setting holdTimout')
})

test('A variable that is named like a setting and is none is told of, and nothing stops.', async () => {
  const env = { REVEILLE_LISTN: '0.0.0.0:80', REVEILLE_LISTEN: '0.0.0.0:81', LISTN: '0.0.0.0:82' }
  const { code, out, err } = await run(['config', '--json'], { env })
  expect(code).toBe(0)
  expect(JSON.parse(out)).toMatchObject({ listen: '0.0.0.0:81' })
  expect(err).toBe('warning: there is no setting REVEILLE_LISTN: reveille config shows all\n')
})
