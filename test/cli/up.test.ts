import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../lab/folder.ts'
import { labLeftovers } from '../lab/leftovers.ts'
import { startPart } from '../lab/part.ts'
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

/** Listens on three addresses, the last one UDP, and says so. */
const HOLD = `
  const [one, two, udp] = process.argv.slice(1).map((text) => Number(text.split(':')[1]))
  require('node:net').createServer().listen(one, '127.0.0.1', () =>
    require('node:net').createServer().listen(two, '127.0.0.1', () =>
      require('node:dgram').createSocket('udp4').bind(udp, '127.0.0.1', () => console.log('up'))))
`
const MAIN = join(import.meta.dirname, '../../dist/cli/main.js')
let home: Household
const leftovers = labLeftovers()

const start = async (...flags: string[]): Promise<Household> => {
  const places = await flagsFor(await temporaryFolder())
  return startHousehold([...places, '--demo', '--engine', 'process', ...flags])
}

/** What a second `up` says that cannot start; 2 is for settings that make no sense. */
async function refusal(flags: string[], code = 1): Promise<string> {
  const args = [MAIN, 'up', '--engine', 'process', ...flags]
  const failed = await promisify(execFile)(process.execPath, args, { timeout: 50_000 }).catch(
    (error: { stderr: string; code: number }) => error,
  )
  expect(failed).toMatchObject({ code })
  return failed.stderr
}

/** A server that takes a port as soon as that is free. @throws Error if it is not within 20 s */
async function thiefOf(port: number): Promise<Server> {
  for (const end = performance.now() + 20_000; performance.now() < end; ) {
    const server = createServer().unref().listen(port, '127.0.0.1')
    const isThere = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (isThere) return server
  }
  throw new Error(`port ${port} does not get free`)
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
    expect(text).toContain(`error: Reveille already runs here (pid ${home.pid}, ${home.origin})`)
    expect(text).toContain('npx reveille ps')
    expect(text).toContain(`kill ${home.pid}`)
  })

  test('is told of the one that has its ports, not of each port', async () => {
    const flags = await flagsFor(await temporaryFolder())
    for (const name of ['listen', 'api-listen'])
      flags[flags.indexOf(`--${name}`) + 1] = valueOf(home.flags, name)
    const text = await refusal(flags)
    expect(text).toContain(`error: Reveille already runs here (pid ${home.pid}, ${home.origin})`)
    expect(text).not.toContain('--listen')
    expect(existsSync(join(valueOf(flags, 'state-dir'), 'etcd'))).toBe(false)
  })

  test('is told who else has its ports and how to choose others, before anything is started', async () => {
    const flags = await flagsFor(await temporaryFolder())
    const taken = ['listen', 'api-listen', 'activity-listen']
    const holder = spawn(process.execPath, [
      '-e',
      HOLD,
      ...taken.map((name) => valueOf(flags, name)),
    ])
    await once(holder.stdout, 'data')
    const text = await refusal(flags).finally(() => holder.kill())
    for (const name of taken) {
      const protocol = name === 'activity-listen' ? 'udp' : 'tcp'
      const who = `${valueOf(flags, name)} (${protocol}) is taken by node (pid ${holder.pid})`
      expect(text).toContain(who)
      expect(text).toContain(`choose another with --${name}`)
    }
    expect(existsSync(join(valueOf(flags, 'state-dir'), 'etcd'))).toBe(false)
  })

  test('is told that the access log is not there with HAProxy, before anything is started', async () => {
    const flags = await flagsFor(await temporaryFolder())
    const text = await refusal([...flags, '--proxy', 'haproxy', '--access-log', 'syslog'], 2)
    expect(text).toContain('error: --access-log needs nginx')
    expect(text).not.toContain('    at ')
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

/** Kills one part: a running app and a sleeping one answer within 10 s, and the part is back. */
async function killed({ pid, origin }: Household, part: string, cold: string): Promise<void> {
  process.kill(await childOf(pid, part), 'SIGKILL')
  const begun = performance.now()
  const warm = await askUntil(origin, '/A/name', ({ status }) => status === 200, 10)
  expect(warm?.status).toBe(200)
  const woken = await askUntil(origin, `/${cold}/name`, ({ status }) => status === 200, 10)
  expect(JSON.parse(woken?.text ?? '')).toMatchObject({ name: cold })
  expect(performance.now() - begun).toBeLessThan(10_000)
  await expect.poll(() => childOf(pid, part), { timeout: 10_000 }).toBeGreaterThan(0)
}

describe('kill -9 of one part: all is right again within 10 s', () => {
  test.each([
    ['service-main.js services', 'demo-s'],
    ['nginx: master', 'demo-n'],
    ['etcd --name', 'demo-e'],
  ])('%s', (part, cold) => killed(home, part, cold), 40_000)
})

test('a port that another program takes while the services are away is named, and they are back once it is free', async () => {
  const admin = valueOf(home.flags, 'registrar-admin')
  const port = Number(admin.split(':')[1])
  expect((await ask(home.origin, '/A/name')).status).toBe(200)
  process.kill(await childOf(home.pid, 'service-main.js services'), 'SIGKILL')
  const thief = await thiefOf(port)
  leftovers.push(() => thief.close())
  const cure = `${admin}: end what has it, or choose another with --registrar-admin`
  await expect.poll(() => home.part.output, { timeout: 20_000 }).toContain(cure)
  expect((await ask(home.origin, '/A/name')).status).toBe(200)
  thief.close()
  const health = async () => (await fetch(`http://${admin}/healthz`)).status
  await expect.poll(health, { timeout: 20_000 }).toBe(200)
  const woken = await askUntil(home.origin, '/demo-t/name', ({ status }) => status === 200, 10)
  expect(woken?.status).toBe(200)
}, 60_000)

test('services that cannot start are named together, with what the one said that cannot', async () => {
  const flags = await flagsFor(await temporaryFolder())
  const token = join(valueOf(flags, 'state-dir'), 'token')
  mkdirSync(valueOf(flags, 'state-dir'))
  writeFileSync(token, 'short')
  const text = await refusal(flags)
  const [first, ...reasons] = text.slice(text.indexOf('error: ')).trimEnd().split('\n')
  expect(first).toBe('error: the services (registrar, launcher, controller) cannot start')
  expect(new Set(reasons)).toEqual(
    new Set([`  ${token} must hold a token of 16 to 512 plain characters`]),
  )
}, 60_000)

describe('with the services apart, kill -9 of one: all is right again within 10 s', () => {
  let apart: Household

  beforeAll(async () => {
    apart = await start('--services', 'apart')
  }, 90_000)

  afterAll(() => apart.part.end())

  const parts = ['registrar/main.js', 'controller/main.js', 'launcher/main.js']

  test.each(parts)(
    '%s, and the others live on',
    async (part) => {
      const others = parts.filter((other) => other !== part)
      const pids = await Promise.all(others.map((other) => childOf(apart.pid, other)))
      await killed(apart, part, `demo-${part[0]}`)
      expect(await living(pids)).toHaveLength(2)
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

test.each([
  ['whose reader leaves (| head -1)', 'head -1 >&2', null],
  ['that gets SIGHUP', 'cat >&2', 'SIGHUP'],
] as const)(
  'an up %s ends in order and leaves nothing',
  async (_, reader, signal) => {
    const flags = await flagsFor(await temporaryFolder())
    const up = `"$@" 2>&1 & echo "up is $!" >&2; wait`
    const words = [process.execPath, MAIN, 'up', '--demo', '--engine', 'process', ...flags]
    const part = await startPart('bash', ['-c', `(${up}) | ${reader}`, 'up', ...words])
    const pid = (): number => Number(/up is (\d+)/.exec(part.output)?.[1])
    await part.until(async () => pid() > 0)
    if (signal) {
      await part.until(async () => part.output.includes('Reveille is up'), 30_000)
      process.kill(pid(), signal)
    }
    await expect.poll(() => living([pid()]), { timeout: 30_000 }).toEqual([])
    expect(existsSync(valueOf(flags, 'run-dir'))).toBe(false)
    expect(existsSync(valueOf(flags, 'state-dir'))).toBe(false)
    await part.kill()
  },
  60_000,
)

describe('what a demo left that was killed', () => {
  /** A folder with the state of a killed demo. */
  async function residue(): Promise<string[]> {
    const left = await start()
    process.kill(left.pid, 'SIGKILL')
    await left.part.gone
    expect(existsSync(join(left.stateDir, 'demo'))).toBe(true)
    expect(existsSync(join(left.stateDir, 'token'))).toBe(true)
    // of a launcher that was killed as it made its own
    writeFileSync(join(left.stateDir, 'token.0123456789ab'), 'half a tok')
    return left.flags
  }

  test('is replaced by the next demo, which leaves nothing', async () => {
    const next = await startHousehold([...(await residue())])
    expect((await ask(next.origin, '/A/name')).status).toBe(200)
    await next.part.end(30_000)
    expect(existsSync(next.stateDir)).toBe(false)
  }, 90_000)

  test('is removed by a real up, whose own state then stays', async () => {
    const flags = (await residue()).filter((flag) => flag !== '--demo')
    const real = await startHousehold(flags)
    expect(real.part.output).toContain(`removed from ${real.stateDir} what a demo left`)
    expect((await ask(real.origin, '/A/name')).status).toBe(404)
    writeFileSync(join(real.stateDir, 'mine'), '')
    await real.part.end(30_000)
    const demo = await startHousehold([...flags, '--demo'])
    await demo.part.end(30_000)
    for (const name of ['etcd', 'token', 'mine'])
      expect(existsSync(join(real.stateDir, name))).toBe(true)
    expect(existsSync(join(real.stateDir, 'demo'))).toBe(false)
  }, 90_000)
})
