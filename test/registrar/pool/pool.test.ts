import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { sign } from '../../../adapters/signature.ts'
import { generationOf } from '../../../controller/render.ts'
import { type LabController, startControllerLab } from '../../controller/gateway.ts'
import { type Part, startPart } from '../../lab/part.ts'
import { freePort } from '../../lab/port.ts'
import { childrenOf, processTable } from '../../lab/process-table.ts'
import { ask } from '../../system/client.ts'
import { eventually } from '../process.ts'
import { type LabServer, PAGE, says, startServer } from './server.ts'

vi.setConfig({ testTimeout: 90_000 })

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const KEY = 'a-key-that-both-know'
/** Seconds. Long, as answers have 3/16 of it, and this machine may be busy. */
const INTERVAL = 4
const TTL = 9

let lab: LabController
let folder: string
let servers: LabServer[]
let ear: string
/** how many workers nginx has while no reload is under way */
let crew: number
const processes: Part[] = []

/** The command line of this project, as it is built: many are started here. */
const reveille = (words: string[], env: Record<string, string> = {}): Promise<Part> => {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const program = ['node', `${ROOT}dist/cli/main.js`]
  return startPart('env', [...variables, ...program, ...words], ROOT)
}
/** A process that keeps pools as these files and flags say. */
async function startPool(id: string, more: string[] = [], env: Record<string, string> = {}) {
  const admin = `127.0.0.1:${await freePort()}`
  const part = await reveille(
    [
      ...['pool', '--id', id, '--etcd', lab.etcd.url, '--networks', '127.0.0.0/8'],
      ...[
        '--lease-ttl',
        `${TTL}s`,
        '--scan-interval',
        `${INTERVAL}s`,
        '--pool-admin',
        admin,
        ...more,
      ],
    ],
    env,
  )
  processes.push(part)
  await part.until(async () => (await fetch(`http://${admin}/healthz`)).status === 200)
  return Object.assign(part, { admin })
}
const scanning = async () => {
  const file = join(folder, 'pools.json')
  const ports = servers.map(({ port }) => port)
  const at = { addresses: '127.0.0.1', ports }
  await writeFile(
    file,
    JSON.stringify({
      static: {
        balance: 'ip_hash',
        weight: 100,
        maxFails: 5,
        failTimeout: 300,
        scan: { ...at, startsWith: '<!D' },
      },
      dynamic: { scan: { ...at, json: 'array' } },
    }),
  )
  return ['--pools', file]
}
const members = async (pool: string) => {
  const { entries } = await lab.store.list(`/services/clusters/${pool}`)
  return entries.map(({ key, value }) => [key.slice('/services/clusters/'.length), value])
}
/** nginx's workers: after a reload those of before still take connections for 100 ms, and are one too many. */
const workers = async () => (await childrenOf(master())).length
/** Servers of the pool that the running configuration has; none while a worker answers by another one. */
const routed = async (pool: string) => {
  const text = await lab.configuration()
  const live = await ask(lab.origin, '/_reveille/generation')
  if (Number(live.text) !== generationOf(text) || (await workers()) !== crew) return []
  const upstream = new RegExp(`upstream "app_${pool}" \\{([^}]*)\\}`).exec(text)?.[1]
  return [...(upstream ?? '').matchAll(/server "([^"]+)"/g)].map(([, address]) => address)
}
const at = (index: number) => (servers[index] as LabServer).address
const visit = async (pool: string) => (await ask(lab.origin, `/${pool}/`)).text
const master = () => lab.nginx.pid
const generation = async () => generationOf(await lab.configuration())

beforeAll(async () => {
  lab = await startControllerLab()
  folder = lab.folder
  crew = await workers()
  await writeFile(join(folder, 'key'), `${KEY}\n`)
})
afterAll(() => lab.stop())
beforeEach(async () => {
  servers = await Promise.all([PAGE, PAGE, '[]'].map((body) => startServer(says(body))))
  ear = `127.0.0.1:${await freePort()}`
})
afterEach(async () => {
  await Promise.all(processes.splice(0).map((part) => part.kill()))
  await Promise.all(servers.map((server) => server.stop()))
  const { entries } = await lab.store.listAll(['/services/clusters/', '/services/pools/'])
  for (const { key } of entries) await lab.store.remove(key)
  await eventually(async () => (await lab.record())?.endpoints === 0)
})

describe('a pool that is scanned for', () => {
  it('has who answers for it, within an interval, and nginx is never restarted', async () => {
    const before = { pid: master(), generation: await generation() }
    await startPool('one', await scanning())
    await eventually(async () => (await routed('static')).length === 2)
    await eventually(async () => (await routed('dynamic')).length === 1)
    expect(await lab.configuration()).toContain(
      `server "${at(0)}" weight=100 max_fails=5 fail_timeout=300s;`,
    )
    await eventually(async () => (await visit('static')) === PAGE)
    await eventually(async () => (await visit('dynamic')) === '[]')

    const killed = performance.now()
    await servers[0]?.stop()
    await eventually(
      async () => !(await members('static')).some(([, address]) => address === at(0)),
    )
    const goneIn = performance.now() - killed
    await eventually(async () => (await routed('static')).length === 1)

    const born = performance.now()
    servers[0] = await startServer(says(PAGE), servers[0]?.port)
    await eventually(async () => (await members('static')).some(([, address]) => address === at(0)))
    const foundIn = performance.now() - born
    await eventually(async () => (await routed('static')).length === 2)
    // 15/16 of it, and as long again for what a busy machine adds
    expect([goneIn, foundIn].map((time) => time < INTERVAL * 2000)).toEqual([true, true])

    expect(master()).toBe(before.pid)
    expect((await processTable()).some(({ pid }) => pid === before.pid)).toBe(true)
    expect(await generation()).toBeGreaterThan(before.generation)
  })

  it('loses no request while servers come and go', async () => {
    await startPool('one', await scanning())
    await eventually(async () => (await routed('static')).length === 2)
    let over = false
    const answers: string[] = []
    const asking = (async () => {
      while (!over) answers.push(await visit('static').catch((error: Error) => error.message))
    })()
    for (let turn = 0; turn < 2; turn++) {
      await servers[1]?.stop()
      await eventually(async () => (await routed('static')).length === 1)
      servers[1] = await startServer(says(PAGE), servers[1]?.port)
      await eventually(async () => (await routed('static')).length === 2)
    }
    over = true
    await asking
    expect(answers.length).toBeGreaterThan(50)
    expect(answers.filter((text) => text !== PAGE)).toEqual([])
  })
})

describe('two processes for one pool', () => {
  it('do not fight, and when one dies the other vouches before anybody misses a server', async () => {
    // a lease of which whole seconds are told has to last some
    const flags = [...(await scanning()), '--lease-ttl', '15s']
    const [one] = await Promise.all([startPool('one', flags), startPool('two', flags)])
    // all servers of both pools, each once
    await eventually(async () => {
      const { entries } = await lab.store.list('/services/clusters/')
      return entries.length === 3 && new Set(entries.map(({ value }) => value)).size === 3
    })
    const first = await members('static')
    // nobody writes what another one has written
    const { revision } = await lab.store.list('/services/clusters/')
    await new Promise((resolve) => setTimeout(resolve, INTERVAL * 1000))
    expect(await members('static')).toEqual(first)
    const { entries } = await lab.store.list('/services/clusters/')
    expect(entries.every(({ modRevision }) => BigInt(modRevision) <= BigInt(revision))).toBe(true)

    const before = await generation()
    const leases = new Set(entries.map(({ lease }) => lease))
    await one.kill()
    await eventually(async () => {
      const { entries: now } = await lab.store.list('/services/clusters/')
      return new Set(now.map(({ lease }) => lease)).size === 1
    }, 30_000)
    await new Promise((resolve) => setTimeout(resolve, 15_000))
    expect(await members('static')).toEqual(first)
    expect((await lab.store.list('/services/pools/')).entries.length).toBe(2)
    if (leases.size > 1) expect(await generation()).toBe(before) // no route moved
  }, 90_000)

  it('that see different servers are both believed', async () => {
    const [a, b, c] = [at(0), at(1), at(2)]
    await startPool('one', ['--servers', `web=${a} ${b}`])
    await startPool('two', ['--servers', `web=${b} ${c}`])
    await eventually(async () => (await members('web')).length === 3)
    expect((await members('web')).map(([, address]) => address).sort()).toEqual([a, b, c].sort())
  })

  it('that begin at the same moment never give a server two slots', async () => {
    const list = Array.from({ length: 60 }, (_, i) => `127.0.1.${i + 1}:80`).join(' ')
    const back = list.split(' ').toReversed().join(' ')
    await Promise.all([
      startPool('one', ['--servers', `web=${list}`]),
      startPool('two', ['--servers', `web=${back}`]),
    ])
    await eventually(async () => {
      const all = (await members('web')).map(([, address]) => address)
      return all.length === 60 && new Set(all).size === 60
    })
  })
})

describe('an etcd', () => {
  it('that was away, or lost all it had, is told of the pools again', async () => {
    await startPool('one', await scanning())
    await eventually(async () => (await routed('static')).length === 2)
    const [before, number] = [await members('static'), await generation()]
    await lab.etcd.down()
    await new Promise((resolve) => setTimeout(resolve, TTL * 1000))
    expect(await visit('static')).toBe(PAGE)
    await lab.etcd.up()
    await eventually(() =>
      members('static')
        .then((now) => now.length === 2)
        .catch(() => false),
    )
    expect(await members('static')).toEqual(before)
    await lab.etcd.down()
    await lab.etcd.wipe()
    await lab.etcd.up()
    await eventually(() =>
      members('static')
        .then((now) => now.length === 2)
        .catch(() => false),
    )
    expect(await members('static')).toEqual(before)
    await eventually(async () => (await lab.store.list('/services/pools/')).entries.length === 2)
    expect(await visit('static')).toBe(PAGE)
    expect(await generation()).toBe(number)
    await eventually(async () => (await lab.record())?.applied !== undefined)
  })
})

describe('a pool that is listed', () => {
  it('has its servers from the environment, flags and file, whether they answer or not', async () => {
    const file = join(folder, 'listed.json')
    await writeFile(
      file,
      JSON.stringify({ a: { servers: at(0) }, b: { servers: at(0) }, c: { servers: at(0) } }),
    )
    await startPool('one', ['--pools', file, '--servers', `c=${at(2)}`], {
      B_BACKEND: `${at(1)} 127.0.0.77:8000`,
      C_BACKEND: at(1),
    })
    await eventually(async () => (await lab.store.list('/services/clusters/')).entries.length === 4)
    expect(await members('a')).toEqual([['a', at(0)]])
    expect((await members('b')).map(([, address]) => address)).toEqual([at(1), '127.0.0.77:8000'])
    expect(await members('c')).toEqual([['c', at(2)]])
  })

  it('keeps its servers in their slots over a restart, and routes over it', async () => {
    // long enough for a process to start on a busy machine
    const flags = ['--servers', `web=${at(0)} ${at(1)}`, '--lease-ttl', '15s']
    const one = await startPool('one', flags)
    await eventually(async () => (await routed('web')).length === 2)
    const [before, number] = [await members('web'), await generation()]
    await one.end()
    const { entries } = await lab.store.list('/services/clusters/web')
    await startPool('one', flags)
    await eventually(async () => {
      const now = (await lab.store.list('/services/clusters/web')).entries
      return now.length === 2 && now.every(({ lease }) => lease !== entries[0]?.lease)
    }, 40_000)
    expect(await members('web')).toEqual(before)
    expect(await generation()).toBe(number)
  })

  it.each([
    [['--servers', 'web=10.0.0.1:80'], /outside the host networks/],
    [['--servers', 'web=127.0.0.1:2379'], /control plane/],
    [['--servers', 'web=nobody'], /address:port/],
    [['--servers', 'we b=127.0.0.1'], /<pool>=<servers/],
    [['--pools', '/nowhere.json'], /ENOENT/],
    [[], /no pool is named/],
  ])('%j is refused before anything is written', async (flags, reason) => {
    const part = await reveille([
      'pool',
      '--etcd',
      lab.etcd.url,
      '--networks',
      '127.0.0.0/8',
      ...flags,
    ])
    await part.gone
    expect(part.output).toMatch(reason)
    expect((await lab.store.list('/services/pools/')).entries).toEqual([])
  })
})

describe('a server that announces itself', () => {
  const listening = () => [
    '--servers',
    'dynamic=',
    '--announce-listen',
    ear,
    '--announce-key-file',
    join(folder, 'key'),
  ]
  const announce = (...more: string[]) =>
    reveille([
      ...['announce', '--to', ear, '--pool', 'dynamic', '--address', at(2)],
      ...['--key-file', join(folder, 'key'), ...more],
    ])
  const send = async (...datagrams: string[]) => {
    const socket = createSocket('udp4')
    const [host, port] = ear.split(':')
    for (const datagram of datagrams)
      await new Promise((resolve) => socket.send(datagram, Number(port), host, resolve))
    socket.close()
  }
  const heard = async (part: { admin: string }, result: string) => {
    const text = await (await fetch(`http://${part.admin}/metrics`)).text()
    return Number(new RegExp(`datagrams_total{result="${result}".*} (\\d+)`).exec(text)?.[1] ?? 0)
  }

  it('is in the pool at once, and out at once on SIGTERM', async () => {
    await startPool('one', listening())
    const part = await announce()
    processes.push(part)
    await eventually(async () => (await members('dynamic')).length === 1)
    await eventually(async () => (await visit('dynamic')) === '[]')
    await part.end()
    await eventually(async () => (await members('dynamic')).length === 0, 5_000)
  })

  it('is out when it fell silent, and stays while it speaks', async () => {
    await startPool('one', listening())
    const part = await announce('--ttl', '9s')
    processes.push(part)
    await eventually(async () => (await members('dynamic')).length === 1)
    const [born] = (await lab.store.list('/services/clusters/dynamic')).entries
    await new Promise((resolve) => setTimeout(resolve, 12_000))
    const [still] = (await lab.store.list('/services/clusters/dynamic')).entries
    expect(still?.createRevision).toBe(born?.createRevision)
    await part.kill()
    await eventually(async () => (await members('dynamic')).length === 0, 25_000)
  })

  it('may be written in any language: the lines of the documentation are understood', async () => {
    await startPool('one', listening())
    const page = await import('node:fs/promises').then(({ readFile }) =>
      readFile(join(ROOT, 'docs/pools.md'), 'utf8'),
    )
    const [, script = ''] = /```bash\n(#!\/bin\/bash[^]*?)```/.exec(page) ?? []
    expect(script.split('\n').length).toBeGreaterThan(4)
    await writeFile(join(folder, 'announce.sh'), script)
    const [host = '', port = ''] = ear.split(':')
    const env = {
      ...process.env,
      TO: `${host}/${port}`,
      POOL: 'dynamic',
      ADDRESS: at(2),
      KEY_FILE: join(folder, 'key'),
    }
    const say = (state: string) =>
      promisify(execFile)('bash', [join(folder, 'announce.sh'), state], { env })
    await say('up')
    await eventually(async () => (await members('dynamic')).length === 1)
    await say('down')
    await eventually(async () => (await members('dynamic')).length === 0)
  })

  it('is not held up by a flood of forgeries from elsewhere, which changes nothing', async () => {
    const pool = await startPool('one', listening())
    const part = await announce('--ttl', '60s')
    processes.push(part)
    await eventually(async () => (await members('dynamic')).length === 1)
    const time = Math.floor(Date.now() / 1000)
    const text = `reveille1 up dynamic ${at(1)} 10 ${time} 0123456789abcdef`
    const good = `${text} ${sign(KEY, text)}`
    const forged = `${text} ${sign('another key here', text)}`
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.55') // another sender than the one that is to be heard
    const [host, port] = ear.split(':')
    const lines = [forged, 'x', 'a'.repeat(60_000), text, `${forged}\n\n`, '\u0000\u001b[2J']
    for (let turn = 0; turn < 6_000; turn++)
      await new Promise((resolve) =>
        socket.send(lines[turn % lines.length] as string, Number(port), host, resolve),
      )
    socket.close()
    expect((await members('dynamic')).map(([, address]) => address)).toEqual([at(2)])
    await eventually(async () => (await heard(pool, 'flood')) > 100)
    expect(await heard(pool, 'unsigned')).toBeGreaterThan(0)
    expect(pool.output.match(/announcements dropped/g)?.length).toBe(1)
    // and who has the key is heard, once
    await send(good, good)
    await eventually(async () => (await members('dynamic')).length === 2)
    expect(await heard(pool, 'replayed')).toBe(1)
    expect(await heard(pool, 'taken')).toBeGreaterThan(1)
  })
})
