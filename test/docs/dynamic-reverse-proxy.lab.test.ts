import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { insideOf, startMachine } from '../cli/machine.ts'
import { command } from '../lab/command.ts'
import { type Part, startPart } from '../lab/part.ts'
import { eventually } from '../registrar/process.ts'

const TOP = join(import.meta.dirname, '../..')
const PAGE = readFileSync(join(TOP, 'docs/from/dynamic-reverse-proxy.md'), 'utf8')

/** The commands below a heading, one each: lines that end in a backslash go on. */
function under(heading: string): string[] {
  const section = PAGE.split(/^## /m).find((text) => text.startsWith(heading)) ?? ''
  return [...section.matchAll(/```\n([^]*?)```/g)].flatMap(([, block = '']) =>
    block
      .trim()
      .replaceAll(/\\\n\s*/g, '')
      .split('\n'),
  )
}

let machine: Part
let setup: Part
const started: Part[] = []

/** What every line is typed with: this project's `reveille` is in the PATH, and temporary files are the machine's. */
const shell = (line: string): [string, string[]] => {
  const [file = '', ...args] = insideOf(machine)
  const words = `cd '${TOP}' && export TMPDIR=/run && PATH=/run/bin:$PATH && ${line}`
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
const pools = async () => (JSON.parse(await read(under('2')[2])) as Health).pools
const master = async () => (await read('cat /run/reveille-pools/run/nginx/nginx.pid')).trim()
const students = async () => JSON.parse(await read(under('1')[1])) as unknown

beforeAll(async () => {
  machine = await startMachine()
  await read('mkdir -p /run/bin && ln -s "$PWD/dist/cli/main.js" /run/bin/reveille')
  setup = await start(`exec ${under('1')[0]}`)
  await setup.until(async () => setup.output.includes('Ctrl-C ends'), 180_000)
}, 240_000)
afterAll(async () => {
  for (const part of started.toReversed()) await part.end(20_000)
  await machine?.kill()
}, 60_000)

describe('the page for readers of a dynamic reverse proxy, read literally', () => {
  it('has a page at the root, and the API at exactly one path, with and without a slash', async () => {
    const [, ...lines] = under('1')
    const [api, slash, other] = lines
    expect(await read('curl localhost:8888/')).toMatch(
      /^<!DOCTYPE html>[^]*setInterval\(refresh, 2000\)/,
    )
    for (const line of [api, slash]) expect(Array.isArray(JSON.parse(await read(line)))).toBe(true)
    expect(await read(other)).toMatch(/^HTTP\/1\.1 404[^]*<h1>Not found/)
  }, 60_000)

  it('servers come and go, and nginx stays', async () => {
    const [add, end, , keys] = under('2')
    const before = [await master(), (await pools()).dynamic?.length]
    expect(before[1]).toBe(2)
    await read(add)
    await eventually(async () => (await pools()).dynamic?.length === 3, 30_000)
    const kept = await read(keys)
    for (const address of (await pools()).dynamic ?? []) expect(kept).toContain(address)
    await read(end)
    await eventually(async () => (await pools()).dynamic?.length === 2, 30_000)
    await eventually(async () => Array.isArray(await students()))
    expect(await master()).toBe(before[0])
  }, 90_000)

  it('the log says who answered, for one client always the same', async () => {
    for (let turn = 0; turn < 10; turn++) await students()
    const [tail] = under('3')
    const lines = (await read(tail)).trim().split('\n')
    const told = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(told[0]).toMatchObject({
      ...{ client: '127.0.0.1', request: 'GET /api/student HTTP/1.1', status: 200 },
    })
    expect(new Set(told.map(({ upstream_addr: address }) => address)).size).toBe(1)
    expect((await pools()).dynamic).toContain(told[0]?.upstream_addr)
  }, 60_000)

  it('a server announces itself, and is gone when it ends', async () => {
    const [key = '', keep = '', announce = ''] = under('6')
    // beside the process of the setup: what is its own there is its own here
    await read(key.replace('> key', '> /run/key'))
    const admin = '--pool-admin 127.0.0.1:8196 --id second'
    const file = (line: string) =>
      line
        .replace('npx ', '') // which stands between us and the signal
        .replace('--announce-key-file key', '--announce-key-file /run/key')
        .replace('--key-file key', '--key-file /run/key')
    const second = await start(`exec ${file(keep)} ${admin}`)
    await second.until(async () =>
      (await read('curl localhost:8196/healthz')).includes('"ok":true'),
    )
    const address = '172.17.0.99:3000'
    const speaker = await start(`exec ${file(announce).replace('172.17.0.4:3000', address)}`)
    await eventually(async () => (await pools()).dynamic?.includes(address), 20_000)
    await speaker.end()
    await eventually(async () => !(await pools()).dynamic?.includes(address), 20_000)
  }, 120_000)

  it('Ctrl-C ends everything and leaves nothing behind', async () => {
    process.kill(-setup.pid, 'SIGINT')
    await setup.gone
    const root = `/proc/${machine.pid}/root`
    expect(existsSync(`${root}/run/reveille-pools`)).toBe(false)
    expect(await read('pgrep -f "[r]un/reveille-pools" || true')).toBe('')
  }, 60_000)
})

describe('its lists, and processes instead of containers', () => {
  it('are in the pool whether they answer or not', async () => {
    const [line] = under('4')
    const here = line?.replace(/"172.*?"/, '"127.0.0.1:8101 127.0.0.2"')
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
    const status = () => read(`${under('1')[1]} -o /dev/null -w '%{http_code}'`)
    await eventually(async () => (await status()) === '503')
    expect(await read('curl localhost:8888/')).toContain('<!DOCTYPE')
    await part.end(20_000)
  }, 180_000)
})
