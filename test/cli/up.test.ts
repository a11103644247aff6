import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../lab/folder.ts'
import { ask, askUntil } from '../system/client.ts'
import {
  childOf,
  descendants,
  flagsFor,
  type Household,
  living,
  startHousehold,
  valueOf,
} from './household.ts'

// `reveille up --demo` without Docker, whole: its own etcd and nginx, the services, apps as child processes.

const MAIN = join(import.meta.dirname, '../../dist/cli/main.js')
let home: Household

const start = async (): Promise<Household> =>
  startHousehold([...(await flagsFor(await temporaryFolder())), '--demo', '--engine', 'process'])

/** What a second `up` says that cannot start. */
async function refusal(flags: string[]): Promise<string> {
  const args = [MAIN, 'up', '--engine', 'process', ...flags]
  const failed = await promisify(execFile)(process.execPath, args, { timeout: 20_000 }).catch(
    (error: { stderr: string; code: number }) => error,
  )
  expect(failed).toMatchObject({ code: 1 })
  return failed.stderr
}

beforeAll(async () => {
  home = await start()
}, 90_000)

afterAll(() => home.part.end())

describe('reveille up --demo on the process engine', () => {
  test('wakes an app on its first request, and answers that request', async () => {
    const answer = await ask(home.origin, '/A/name')
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.text)).toMatchObject({ name: 'A', answered: 1 })
  })

  test('makes apps of the names its blueprints are for, and of no others', async () => {
    for (const name of ['F', 'demo-42']) {
      const answer = await ask(home.origin, `/${name}/name`)
      expect(JSON.parse(answer.text)).toMatchObject({ name })
    }
    expect((await ask(home.origin, '/unknown/')).status).toBe(404)
    expect((await ask(home.origin, '/demo-/')).status).toBe(404)
  })

  test('keeps where an app runs in etcd, at the address it names', async () => {
    const etcd = /etcd {9}(\S+)/.exec(home.part.output)?.[1]
    const key = Buffer.from('/services/clusters/A').toString('base64')
    const answer = await fetch(`${etcd}/v3/kv/range`, {
      method: 'POST',
      body: JSON.stringify({ key }),
    })
    const { kvs } = (await answer.json()) as { kvs: { value: string }[] }
    expect(Buffer.from(kvs[0]?.value ?? '', 'base64').toString()).toMatch(/^127\.0\.0\.1:\d+$/)
  })
})

describe('another up', () => {
  test('is told who has its folders', async () => {
    const text = await refusal(home.flags)
    expect(text).toContain(`another reveille up uses ${home.stateDir}`)
    expect(text).toContain('--state-dir')
  })

  test('is told who has its ports and how to choose others, before anything is started', async () => {
    const flags = await flagsFor(await temporaryFolder())
    const taken = ['listen', 'api-listen', 'activity-listen']
    for (const name of taken) flags[flags.indexOf(`--${name}`) + 1] = valueOf(home.flags, name)
    const text = await refusal(flags)
    expect(text).toContain(`${valueOf(home.flags, 'listen')} (tcp) is taken by nginx (pid `)
    expect(text).toContain(`${valueOf(home.flags, 'api-listen')} (tcp) is taken by node (pid `)
    expect(text).toContain(`${valueOf(home.flags, 'activity-listen')} (udp) is taken by node (pid `)
    for (const name of taken) expect(text).toContain(`choose another with --${name}`)
    expect(existsSync(join(valueOf(flags, 'state-dir'), 'etcd'))).toBe(false)
  })

  test('runs beside it, with folders and ports of its own', async () => {
    const other = await start()
    const answer = await ask(other.origin, '/A/name')
    expect(JSON.parse(answer.text)).toMatchObject({ name: 'A', answered: 1 })
    const pids = await descendants(other.pid)
    process.kill(other.pid, 'SIGKILL')
    await expect.poll(() => living(pids), { timeout: 10_000 }).toEqual([])
  }, 60_000)
})

describe('kill -9 of one part: all is right again within 10 s', () => {
  test.each([
    ['registrar/main.js', 'demo-r'],
    ['controller/main.js', 'demo-c'],
    ['launcher/main.js', 'demo-l'],
    ['nginx: master', 'demo-n'],
    ['etcd --name', 'demo-e'],
  ])(
    '%s',
    async (part, cold) => {
      process.kill(await childOf(home.pid, part), 'SIGKILL')
      const begun = performance.now()
      const warm = await askUntil(home.origin, '/A/name', ({ status }) => status === 200, 10)
      expect(warm?.status).toBe(200)
      const woken = await askUntil(home.origin, `/${cold}/name`, ({ status }) => status === 200, 10)
      expect(JSON.parse(woken?.text ?? '')).toMatchObject({ name: cold })
      expect(performance.now() - begun).toBeLessThan(10_000)
      await expect.poll(() => childOf(home.pid, part), { timeout: 10_000 }).toBeGreaterThan(0)
    },
    40_000,
  )
})

test('SIGTERM ends everything and leaves nothing', async () => {
  const pids = await descendants(home.pid)
  expect(pids.length).toBeGreaterThan(5)
  process.kill(home.pid, 'SIGTERM')
  await home.part.gone
  expect(await living(pids)).toEqual([])
  expect(existsSync(home.runDir)).toBe(false)
  expect(existsSync(home.stateDir)).toBe(false)
}, 40_000)
