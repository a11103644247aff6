import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { insideOf, startMachine } from '../cli/machine.ts'
import { freshClone } from '../lab/clone.ts'
import { command } from '../lab/command.ts'
import { type Part, startPart } from '../lab/part.ts'
import { eventually } from '../registrar/process.ts'
import { Page } from './page.ts'

const page = new Page('from/dynamic-reverse-proxy.md')
const setUp = page.block('examples/pools/setup')
const [api = '', slash = ''] = page.lines('curl localhost:8888/api/student/')
const other = page.block('curl -i localhost:8888/api/student/1')
const [add = '', end = ''] = page.lines('setup add dynamic')
const [health = '', keys = ''] = page.lines('8096/healthz')
const tail = page.block('tail -n 3')
const listed = page.block('STATIC_BACKEND=')
const [stick = ''] = page.lines('sed -i')
const [jar = '', again = ''] = page.lines('-c /tmp/cookies')
const [key = '', keep = ''] = page.lines('--announce-listen')
const server = page.block('HOST=172.17.0.1')
const announce = page.block('npx reveille announce')

const ANNOUNCED = '172.17.0.1:3001'

let clone: string
let machine: Part
let setup: Part
const started: Part[] = []

/** What every line is typed with: this project's `reveille` is in the PATH, and temporary files are the machine's. */
const shell = (line: string): [string, string[]] => {
  const [file = '', ...args] = insideOf(machine)
  const words = `cd '${clone}' && export TMPDIR=/run && PATH=/run/bin:$PATH && ${line}`
  return [file, [...args, 'bash', '-c', words]]
}
/** Types a line of the page, with what is of this machine in it. */
const read = (line = 'false'): Promise<string> => {
  const [file, args] = shell(line.replaceAll('/tmp/', '/run/').replace(/^curl/, 'curl -sS'))
  return command(file, ...args)
}
const start = async (line: string): Promise<Part> => {
  const part = await startPart(...shell(line))
  started.push(part)
  return part
}
interface Health {
  pools: Record<string, string[]>
}
const pools = async () => (JSON.parse(await read(health)) as Health).pools
const master = async () => (await read('cat /run/reveille-pools.*/run/nginx/nginx.pid')).trim()
const students = async () => JSON.parse(await read(api)) as unknown

beforeAll(async () => {
  clone = await freshClone()
  machine = await startMachine()
  await read('mkdir -p /run/bin && ln -s "$PWD/dist/cli/main.js" /run/bin/reveille')
  setup = await start(`exec ${setUp}`)
  await setup.until(async () => setup.output.includes('Ctrl-C ends'), 180_000)
}, 400_000)
afterAll(async () => {
  for (const part of started.toReversed()) await part.end(20_000)
  await machine?.kill()
  rmSync(join(clone, 'announce.key'), { force: true })
}, 60_000)

describe('the page for readers of a dynamic reverse proxy, read literally', () => {
  it('has a page at the root, and the API at exactly one path, with and without a slash', async () => {
    expect(await read('curl localhost:8888/')).toMatch(
      /^<!DOCTYPE html>[^]*setInterval\(refresh, 2000\)/,
    )
    for (const line of [api, slash]) expect(Array.isArray(JSON.parse(await read(line)))).toBe(true)
    expect(await read(other)).toMatch(/^HTTP\/1\.1 404[^]*<h1>Not found/)
  }, 60_000)

  it('servers come and go, and nginx stays', async () => {
    // It is up as soon as one server of each pool answers.
    await eventually(async () => (await pools()).dynamic?.length === 2, 30_000)
    const before = await master()
    await read(add)
    await eventually(async () => (await pools()).dynamic?.length === 3, 30_000)
    const kept = await read(keys)
    for (const address of (await pools()).dynamic ?? []) expect(kept).toContain(address)
    await read(end)
    await eventually(async () => (await pools()).dynamic?.length === 2, 30_000)
    await eventually(async () => Array.isArray(await students()))
    expect(await master()).toBe(before)
  }, 90_000)

  it('the log says who answered, for one client always the same', async () => {
    const asked = async (): Promise<Record<string, unknown>[]> => {
      for (let turn = 0; turn < 10; turn++) await students()
      const lines = (await read(tail)).trim().split('\n')
      return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    }
    const by = (told: Record<string, unknown>[]) =>
      new Set(told.map(({ upstream_addr: address }) => address))
    // Nginx hears of the server that left a moment after the pool.
    await eventually(async () => {
      const [address, ...more] = by(await asked())
      return more.length === 0 && (await pools()).dynamic?.includes(String(address))
    })
    const told = await asked()
    expect(told[0]).toMatchObject({
      ...{ client: '127.0.0.1', request: 'GET /api/student HTTP/1.1', status: 200 },
    })
    expect(by(told).size).toBe(1)
    expect((await pools()).dynamic).toContain(told[0]?.upstream_addr)
  }, 60_000)

  it('a server announces itself, and is gone when it ends', async () => {
    await read(key)
    // which stands between us and the signal
    const file = (line: string) => `exec ${line.replace('npx ', '')}`
    const second = await start(file(keep))
    await second.until(async () =>
      (await read('curl localhost:8196/healthz')).includes('"ok":true'),
    )
    await start(`export ${server.replace(' node', ' && exec node')}`)
    const speaker = await start(file(announce))
    await eventually(async () => (await pools()).dynamic?.includes(ANNOUNCED) ?? false, 20_000)
    await eventually(async () => (await read(`${api} -o /dev/null -w '%{http_code}'`)) === '200')
    await speaker.end()
    await eventually(async () => !(await pools()).dynamic?.includes(ANNOUNCED), 20_000)
    // it would keep its word on how the pools are balanced
    await second.end()
  }, 120_000)

  it('Ctrl-C ends everything and leaves nothing behind', async () => {
    process.kill(-setup.pid, 'SIGINT')
    await setup.gone
    const root = `/proc/${machine.pid}/root`
    expect(readdirSync(`${root}/run`).join()).not.toContain('reveille-pools')
    expect(await read('pgrep --ns $$ --nslist mnt -f "[r]un/reveille-pools" || true')).toBe('')
  }, 60_000)
})

describe('its lists, and processes instead of containers', () => {
  it('are in the pool whether they answer or not', async () => {
    const here = listed.replace(/"172.*?"/, '"127.0.0.1:8101 127.0.0.2"')
    const part = await start(`exec env SERVERS=processes ${here}`)
    await part.until(async () => part.output.includes('Ctrl-C ends'), 120_000)
    await eventually(async () => (await pools()).static?.length === 3, 20_000)
    expect((await pools()).static?.toSorted()).toEqual([
      ...['127.0.0.1:8101', '127.0.0.1:8102', '127.0.0.2:80'],
    ])
    await eventually(async () => (await read('curl localhost:8888/')).startsWith('<!DOCTYPE'))
    // a pool without servers is known all the same: there is nothing to start
    for (const server of ['dynamic-1', 'dynamic-2'])
      await read(`examples/pools/setup end ${server}`)
    await eventually(async () => (await pools()).dynamic?.length === 0, 20_000)
    const status = () => read(`${api} -o /dev/null -w '%{http_code}'`)
    await eventually(async () => (await status()) === '503')
    expect(await read('curl localhost:8888/')).toContain('<!DOCTYPE')
    await part.end(20_000)
  }, 180_000)
})

describe('cookies instead of addresses', () => {
  afterAll(async () => {
    // the clone is for others, too
    await read(stick.replace('ip_hash', 'X').replace('sticky', 'ip_hash').replace('X', 'sticky'))
  })

  it('a client with its cookie stays with its server', async () => {
    await read(stick)
    const part = await start(`exec ${setUp}`)
    await part.until(async () => part.output.includes('Ctrl-C ends'), 180_000)
    await eventually(async () => (await pools().catch(() => null))?.dynamic?.length === 2, 20_000)
    const answered = async (line: string): Promise<string> => {
      await read(line)
      const last = (await read(tail)).trim().split('\n').at(-1) ?? ''
      return (JSON.parse(last) as { upstream_addr: string }).upstream_addr
    }
    const given = expect.poll(() => read(jar), { timeout: 20_000, interval: 500 })
    await given.toMatch(/^set-cookie: reveille_instance=/im)
    const own = await answered(again)
    for (let turn = 0; turn < 8; turn++) expect(await answered(again)).toBe(own)
    await part.end(20_000)
  }, 240_000)
})

it('every block of the page was typed', () => {
  expect(page.left).toEqual([])
})
