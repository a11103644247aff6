import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../lab/folder.ts'
import { HOSTILE, isPlain } from './hostile.ts'
import { type CliStage, openCliStage } from './stage.ts'

let stage: CliStage
let folder: string
beforeAll(async () => {
  stage = await openCliStage()
  folder = await temporaryFolder()
})
afterAll(() => stage.close())

/** The record as etcd has it. */
async function stored(name: string): Promise<unknown> {
  return JSON.parse((await stage.store.get(`/services/apps/${name}`))?.value ?? 'null')
}

async function file(content: unknown): Promise<string> {
  const path = join(folder, `${Math.random()}.json`)
  await writeFile(path, JSON.stringify(content))
  return path
}

describe('app add', () => {
  test('stores an app as its flags say and tells its URL', async () => {
    const { code, out, err } = await stage.cli([
      ...['app', 'add', 'shop', '--image', 'shop:1', '--port', '3000', '-e', 'MODE=live'],
      ...['--env', 'EMPTY=', '--env', 'SUM=1=1', '--health', 'http:/up', '--idle-after', '10m'],
      ...['--min', '1', '--replicas', '2', '--memory', '64m', '--cpus', '0.5', '--pids', '50'],
      ...['--', 'node', 'server.js', '--verbose'],
    ])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toBe('shop is there: http://127.0.0.1:8080/shop/\n')
    expect(await stored('shop')).toMatchObject({
      image: 'shop:1',
      port: 3000,
      env: { MODE: 'live', EMPTY: '', SUM: '1=1' },
      health: { type: 'http', path: '/up' },
      idleAfter: 600,
      min: 1,
      replicas: 2,
      limits: { memory: 64 * 1024 ** 2, cpus: 0.5, pids: 50 },
      command: ['node', 'server.js', '--verbose'],
    })
  })

  test('reads one or several from a file or from stdin, flags on top', async () => {
    const both = await file([
      { name: 'one', image: 'a:1', port: 81 },
      { name: 'two', image: 'b:1', env: { A: '1' } },
    ])
    const many = await stage.cli(['app', 'add', '-f', both, '--port', '82', '-e', 'B=2', '--json'])
    expect(many.code).toBe(0)
    expect(await stored('one')).toMatchObject({ port: 82, env: { B: '2' } })
    expect(await stored('two')).toMatchObject({ port: 82, env: { A: '1', B: '2' } })
    const stdin = JSON.stringify({ image: 'c:1' })
    expect((await stage.cli(['app', 'add', 'three', '-f', '-'], { stdin })).code).toBe(0)
    expect(await stored('three')).toMatchObject({ name: 'three', image: 'c:1' })
  })

  test.each([
    { argv: ['x;y', '--image', 'a:1'], field: 'name: ' },
    { argv: ['new', '--image', 'UPPER'], field: 'image: ' },
    { argv: ['new'], field: 'image: ' },
    { argv: ['new', '--image', 'a:1', '--port', '70000'], field: 'port: ' },
    { argv: ['new', '--image', 'a:1', '--port', 'http'], field: 'port: ' },
    { argv: ['new', '--image', 'a:1', '--memory', '1k'], field: 'limits.memory: ' },
    { argv: ['new', '--image', 'a:1', '--min', '2'], field: 'min: ' },
    { argv: ['new', '--image', 'a:1', '--health', 'ftp'], field: 'health: ' },
    { argv: ['new', '--image', 'a:1', '--idle-after', '-1'], field: 'idleAfter: ' },
    { argv: ['new', '--image', 'a:1', '-e', 'LD_PRELOAD=x'], field: 'env.LD_PRELOAD: ' },
    { argv: ['new', '--image', 'a:1', '-e', 'NOVALUE'], field: '--env NOVALUE' },
    { argv: ['--image', 'a:1'], field: 'needs a name' },
  ])('names the field of $argv and stores nothing', async ({ argv, field }) => {
    const before = await stage.contents()
    const { code, out, err } = await stage.cli(['app', 'add', ...argv])
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(field)
    expect(err.trimEnd().split('\n').length).toBeLessThanOrEqual(2)
    expect(await stage.contents()).toEqual(before)
  })

  test('says what is taken, with exit code 1', async () => {
    const { code, err } = await stage.cli(['app', 'add', 'SHOP', '--image', 'a:1'])
    expect(code).toBe(1)
    expect(err).toContain('there is shop already')
  })
})

test('app set changes what is given and keeps the rest.', async () => {
  await stage.cli(['app', 'add', 'kept', '--image', 'a:1', '-e', 'A=1', '--memory', '64m'])
  const { code, out } = await stage.cli(['app', 'set', 'KEPT', '--image', 'a:2', '-e', 'B=2'])
  expect(code).toBe(0)
  expect(out).toContain('kept is changed')
  expect(await stored('kept')).toMatchObject({
    image: 'a:2',
    env: { A: '1', B: '2' },
    limits: { memory: 64 * 1024 ** 2 },
  })
  expect((await stage.cli(['app', 'set', 'nobody', '--image', 'a:1'])).code).toBe(1)
})

test('app ls shows a table, and JSON for scripts.', async () => {
  await stage.cli(['app', 'add', 'listed', '--image', 'a:1', '--idle-after', '90s'])
  const table = await stage.cli(['app', 'ls'])
  expect(table.code).toBe(0)
  const [head = '', ...rows] = table.out.trimEnd().split('\n')
  expect(head).toMatch(/^NAME +STATE +IMAGE +IDLE AFTER +REPLICAS$/)
  const row = rows.find((line) => line.startsWith('listed ')) ?? ''
  expect(row).toMatch(/^listed +asleep +a:1 +90s +1$/)
  expect(row.indexOf('asleep')).toBe(head.indexOf('STATE'))
  const json = await stage.cli(['app', 'ls', '--json'])
  const apps: { name: string; status: object }[] = JSON.parse(json.out)
  expect(apps.find((app) => app.name === 'listed')).toMatchObject({ status: { state: 'asleep' } })
})

test('Colours are for terminals only.', async () => {
  expect((await stage.cli(['app', 'ls'])).out).not.toContain('\u001b')
  expect((await stage.cli(['app', 'ls'], { color: true })).out).toContain('\u001b[2mNAME')
})

test('app show tells everything, and what it prints as JSON is whole.', async () => {
  await stage.cli(['app', 'add', 'shown', '--image', 'a:1', '-e', 'A=1'])
  const text = await stage.cli(['app', 'show', 'Shown'])
  expect(text.out).toMatch(/^health +auto$/m)
  expect(text.out).toMatch(/^url +http:\/\/127\.0\.0\.1:8080\/shown\/$/m)
  const json = await stage.cli(['app', 'show', 'shown', '--json'])
  expect(JSON.parse(json.out)).toMatchObject({ name: 'shown', env: { A: '1' } })
  const none = await stage.cli(['app', 'show', 'nobody'])
  expect(none).toMatchObject({ code: 1, out: '' })
  expect(none.err).toContain('No such app')
})

test('app rm forgets the apps named and stops at the first there is none of.', async () => {
  for (const name of ['gone1', 'gone2']) await stage.cli(['app', 'add', name, '--image', 'a:1'])
  const { code, out, err } = await stage.cli(['app', 'rm', 'gone1', 'nobody', 'gone2'])
  expect(code).toBe(1)
  expect(out).toBe('gone1 is removed\n')
  expect(err).toContain('No such app')
  expect(await stored('gone1')).toBeNull()
  expect(await stored('gone2')).not.toBeNull()
  const json = await stage.cli(['app', 'rm', 'gone2', '--json'])
  expect(JSON.parse(json.out)).toMatchObject([{ name: 'gone2', removed: true }])
})

test('Blueprints are added, listed, shown and removed.', async () => {
  const added = await stage.cli([
    ...['blueprint', 'add', 'previews', '--pattern', '^pr-[0-9]+$', '--image', 'a:1'],
    ...['-e', 'BRANCH={{name}}', '--idle-after', '60s'],
  ])
  expect(added).toMatchObject({ code: 0, err: '' })
  expect(added.out).toContain('^pr-[0-9]+$')
  const list = await stage.cli(['blueprint', 'ls'])
  expect(list.out).toMatch(/^previews +\^pr-\[0-9\]\+\$ +a:1 +1m$/m)
  const show = await stage.cli(['blueprint', 'show', 'previews'])
  expect(JSON.parse(show.out)).toMatchObject({ app: { env: { BRANCH: '{{name}}' } } })
  const wrong = ['blueprint', 'add', 'bad', '--pattern', '(a+)+', '--image', 'a:1']
  expect(await stage.cli(wrong)).toMatchObject({ code: 2 })
  expect((await stage.cli(wrong)).err).toContain('pattern: ')
  expect((await stage.cli(['blueprint', 'rm', 'previews'])).out).toBe('previews is removed\n')
  expect((await stage.cli(['blueprint', 'rm', 'previews'])).code).toBe(1)
})

test('Whatever gateways and hosts say is one plain line each.', async () => {
  for (const [index, { value }] of HOSTILE.entries()) {
    const gateway = { id: `g${index}`, applied: '1', generation: 1, endpoints: 0, rejected: [] }
    const record = JSON.stringify({ ...gateway, failure: value })
    await stage.store.put(`/services/gateways/g${index}`, record)
  }
  await expect
    .poll(async () => JSON.parse((await stage.cli(['gateways', '--json'])).out).length)
    .toBe(HOSTILE.length)
  const { code, out } = await stage.cli(['gateways'])
  expect(code).toBe(0)
  expect(isPlain(out)).toBe(true)
  expect(out.trimEnd().split('\n')).toHaveLength(HOSTILE.length + 1)
  const json = await stage.cli(['gateways', '--json'])
  expect(isPlain(json.out)).toBe(true)
})

describe('without the API', () => {
  test('it says that no launcher answers, and how to start one', async () => {
    const { code, out, err } = await stage.cli(['ps', '--api', 'http://127.0.0.1:1'])
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toBe(
      'error: no launcher answers at http://127.0.0.1:1\n  Start one: reveille up. Or name another with --api or REVEILLE_API.\n',
    )
  })

  test('it says so where something else answers', async () => {
    const { code, err } = await stage.cli(['ps', '--api', stage.etcd.url])
    expect(code).toBe(1)
    expect(err).toContain('is not the API of a launcher')
  })

  test('it says so where the token is wrong, and does not show it', async () => {
    const { code, err } = await stage.cli(['ps', '--token', 'wrong-token'])
    expect(code).toBe(1)
    expect(err).toContain('--token or REVEILLE_TOKEN')
    expect(err).not.toContain('wrong-token')
  })
})

test('The token is read from the state directory.', async () => {
  const state = await temporaryFolder()
  await writeFile(join(state, 'token'), `${stage.env.REVEILLE_TOKEN}\n`)
  const env = { REVEILLE_TOKEN: '', REVEILLE_STATE_DIR: state }
  expect((await stage.cli(['ps'], { env })).code).toBe(0)
})
