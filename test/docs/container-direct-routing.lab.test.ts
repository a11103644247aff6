import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { insideOf, startMachine } from '../cli/machine.ts'
import { freshClone } from '../lab/clone.ts'
import { command } from '../lab/command.ts'
import { type Part, startPart } from '../lab/part.ts'
import { Page } from './page.ts'

const page = new Page('from/container-direct-routing.md')
/** Instead of a minute, to wait less. */
const IDLE = '5s'

let clone: string
let machine: Part
let up: Part

/** Runs a block as a reader would: in a shell, in the project's folder. */
function read(text: string): Promise<string> {
  const [file = '', ...args] = insideOf(machine)
  return command(file, ...args, 'bash', '-ec', `cd '${clone}' && export IDLE=${IDLE}\n${text}`)
}

async function start(line: string): Promise<void> {
  const [file = '', ...args] = insideOf(machine)
  up = await startPart(file, [...args, 'sh', '-c', `cd '${clone}' && exec ${line}`])
  await up.until(async () => up.output.includes('Ctrl-C ends'), 90_000)
}

async function end(): Promise<void> {
  process.kill(-up.pid, 'SIGINT')
  await up.gone
}

const statuses = (list: string): string[] =>
  [...list.matchAll(/"status":"([a-z]+)"/g)].map((match) => match[1] ?? '')
const answered = (text: string): string[] =>
  [...text.matchAll(/"instance":"(minion-\d)","connected":"(db \d)"/g)].map(
    (match) => `${match[1]} ${match[2]}`,
  )
const ALL = ['minion-1 db 1', 'minion-2 db 2', 'minion-3 db 3']

beforeAll(async () => {
  clone = await freshClone()
  machine = await startMachine()
}, 300_000)
afterAll(async () => {
  await up?.end(20_000)
  await machine?.kill()
  for (const file of ['home.password', 'cookie.key']) rmSync(join(clone, file), { force: true })
}, 60_000)

it('starts as the page says', async () => {
  await read(page.block('bash cli/setup/prepare.sh'))
  await start(
    page.block('npx reveille up --spawner 127.0.0.1:8008 --cookie instance --fallback /home'),
  )
  expect(await read(page.block('examples/direct-routing/images.sh'))).toContain('home is there')
}, 120_000)

it('makes minions that answer by cookie, and sends everybody else home', async () => {
  const made = await read(page.block('examples/direct-routing/create-minions.sh'))
  expect(statuses(made)).toEqual(['running', 'running', 'running'])
  const asked = await read(page.block('examples/direct-routing/test-minions-cookie.sh'))
  expect(answered(asked)).toEqual(ALL)
  expect(asked.match(/<h1>Home<\/h1>/g)).toHaveLength(2)
}, 120_000)

it('the home gives out a cookie for the whole site', async () => {
  const login = await read(
    'curl -si -d instance=minion-1 http://localhost:8080/home/login | tr -d "\\r"',
  )
  expect(login).toMatch(/^set-cookie: instance=minion-1; Path=\/; HttpOnly/im)
})

it('minions that ended are woken by a request each, and gone when they are deleted', async () => {
  const [list = 'false', test = 'false', remove = 'false'] = page.lines('list-minions.sh')
  await expect
    .poll(async () => statuses(await read(list)), { timeout: 60_000, interval: 500 })
    .toEqual(['exited', 'exited', 'exited'])
  const asked = await read(test)
  expect(answered(asked)).toEqual(ALL)
  expect(asked.match(/<h1>Home<\/h1>/g)).toHaveLength(2)
  await read(remove)
  expect(JSON.parse(await read(list))).toEqual({ instances: [] })
}, 180_000)

it('with a key, only cookies count that are signed', async () => {
  await end()
  const [key = 'false', up = 'false'] = page.lines('openssl rand')
  await read(key)
  await start(up)
  const [create = 'false', test = 'false', forge = 'false', remove = 'false'] = page.lines(
    '--cookie instance=minion-1',
  )
  expect(await read(create)).toMatch(/"cookie":"instance=minion-1\.[0-9a-f]{64}"/)
  const asked = await read(test)
  expect(answered(asked)).toEqual(ALL)
  expect(asked.match(/<h1>Home<\/h1>/g)).toHaveLength(2)
  expect(await read(forge)).toContain('<h1>Home</h1>')
  await read(remove)
}, 180_000)

it('makes minions that answer by path, below a prefix', async () => {
  await end()
  await start(page.block('up --spawner 127.0.0.1:8008 --path-prefix'))
  const asked = await read(page.block('export PREFIX'))
  expect(answered(asked)).toEqual(ALL)
  expect(asked).toContain('"at":"/mycustomprefix/minion-2"')
  expect(asked).toContain('"title":"No such app"')
  expect(asked.match(/"result":"ok"/g)).toHaveLength(3)
  await end()
}, 180_000)

it.each(['cookie', 'path'])(
  'the script walks all the way by %s, with a Reveille of its own',
  async (mode) => {
    const said = await read(`examples/direct-routing/walk.sh ${mode}`)
    expect(said).toContain('== All as it should be')
  },
  180_000,
)

it('every block of the page was typed', () => {
  expect(page.left).toEqual([])
})
