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
      ...['--constraint', 'zone==b', '--constraint', 'host!=h1', '--anti-affinity', 'require'],
      '--sticky',
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
      sticky: true,
      route: 'path',
      limits: { memory: 64 * 1024 ** 2, cpus: 0.5, pids: 50 },
      command: ['node', 'server.js', '--verbose'],
      constraints: ['zone==b', 'host!=h1'],
      antiAffinity: 'require',
    })
    expect((await stage.cli(['app', 'set', 'shop', '--constraint', ''])).code).toBe(0)
    expect(await stored('shop')).toMatchObject({ constraints: [], antiAffinity: 'require' })
    const { err: refused } = await stage.cli(['app', 'set', 'shop', '--constraint', 'zone=b'])
    expect(refused).toContain('constraints.0: must be label==value or label!=value')
  })

  test('of what no gateway leads to tells no URL', async () => {
    const added = await stage.cli(['app', 'add', 'db', '--image', 'db:1', '--route', 'none'])
    expect(added.out).toBe('db is there: no gateway leads to it\n')
    expect(await stored('db')).toMatchObject({ route: 'none', sticky: false })
    const wrong = await stage.cli(['app', 'set', 'db', '--route', 'host'])
    expect(wrong.code).not.toBe(0)
    expect(wrong.err).toContain('routes.0: must be like shop.example.com')
    expect((await stage.cli(['app', 'set', 'db', '--route', 'path'])).code).toBe(0)
    expect(await stored('db')).toMatchObject({ route: 'path' })
    await stage.cli(['app', 'rm', 'db'])
  })

  test('has routes beside its name, until they are taken away', async () => {
    const flags = ['--route', 'none', '--route', 'db.example.com', '--route', '/foo/bar']
    const added = await stage.cli(['app', 'add', 'db', '--image', 'db:1', ...flags])
    expect(added.out).toBe('db is there: db.example.com, /foo/bar\n')
    const routes = ['db.example.com', '/foo/bar']
    expect(await stored('db')).toMatchObject({ route: 'none', routes })
    const { out } = await stage.cli(['app', 'show', 'db'])
    expect(out).toMatch(/routes +db\.example\.com, \/foo\/bar\n/)
    expect((await stage.cli(['app', 'set', 'db', '--route', 'path'])).code).toBe(0)
    expect(await stored('db')).toMatchObject({ route: 'path', routes })
    expect((await stage.cli(['app', 'set', 'db', '--route', ''])).code).toBe(0)
    expect(await stored('db')).toMatchObject({ route: 'path', routes: [] })
    await stage.cli(['app', 'rm', 'db'])
  })

  test('says what an app depends on that is not there, and does as it is told', async () => {
    const flags = ['--image', 'a:1', '--depends-on', 'need-db', '--depends-on', 'Need-Queue']
    const added = await stage.cli(['app', 'add', 'need', ...flags])
    expect(added.code).toBe(0)
    expect(added.err).toBe(
      ['need-db', 'Need-Queue']
        .map((name) => `need needs ${name}, and there is no app of that name yet`)
        .map((words) => `${words}: it does not start before you add that\n`)
        .join(''),
    )
    expect(await stored('need')).toMatchObject({ dependsOn: ['need-db', 'Need-Queue'] })
    expect((await stage.cli(['app', 'ls'])).out).toMatch(
      /^need .* needs need-db, Need-Queue, which is not there$/m,
    )
    const { err } = await stage.cli(['app', 'add', 'need-db', '--image', 'a:1'])
    expect(err).toBe('')
    await expect
      .poll(async () => (await stage.cli(['app', 'show', 'need'])).out)
      .toMatch(/^missing +no app Need-Queue is there yet$/m)
    for (const name of ['need', 'need-db']) await stage.cli(['app', 'rm', name])
  })

  test('says nothing of what is added along with it', async () => {
    const both = await file([
      { name: 'front', image: 'a:1', dependsOn: ['Back'] },
      { name: 'back', image: 'a:1' },
    ])
    expect(await stage.cli(['app', 'add', '-f', both])).toMatchObject({ code: 0, err: '' })
    for (const name of ['front', 'back']) await stage.cli(['app', 'rm', name])
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
    {
      argv: ['new', '--image', 'a:1', '--port', 'abc'],
      field: 'port: must be a whole number from 1 to 65535',
    },
    { argv: ['new', '--image', 'a:1', '--memory', '1k'], field: 'limits.memory: ' },
    { argv: ['new', '--image', 'a:1', '--min', '2'], field: 'min: ' },
    {
      argv: ['new', '--image', 'a:1', '--health', 'ftp'],
      field: 'health: must be tcp, http:/path, ',
    },
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
    expect(err).toContain('reveille app set SHOP')
    expect(err).toContain('--replace')
  })

  test('replaces what is there if told to', async () => {
    await stage.cli(['app', 'add', 'old', '--image', 'a:1', '--port', '81'])
    const { code, err } = await stage.cli(['app', 'add', 'old', '--image', 'a:2', '--replace'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(await stored('old')).toMatchObject({ image: 'a:2', port: 8000 })
  })

  test('names the setting that allows the registry of an image', async () => {
    const { code, err } = await stage.cli(['app', 'add', 'near', '--image', 'localhost:5000/x:1'])
    expect(code).toBe(1)
    expect(err).toMatch(/image: comes from localhost:5000, .*--registries/)
  })
})

describe('backup and restore', () => {
  /** The stored records of one kind. */
  const records = async (kind: string): Promise<string[]> =>
    (await stage.store.list(`/services/${kind}/`)).entries.map(({ value }) => value).sort()
  const blueprint = ['blueprint', 'add', 'shops', '--pattern', '^shop-[a-z]+$', '--image', 'a:1']

  test('what ls prints as JSON is what add --file takes', async () => {
    await stage.cli(['app', 'add', 'Full', '--image', 'a:1', '--health', 'http:/', '-e', 'A=b'])
    await stage.cli(['app', 'add', 'full-too', '--image', 'b:1', '--', 'sh', '-c', 'exit 0'])
    await stage.cli([...blueprint, '-e', 'NAME={{name}}'])
    // It runs, so it is listed; it is not stored, so it is no part of the backup.
    await stage.store.put('/services/clusters/shop-x', '10.0.0.5:49150')
    await expect.poll(async () => (await stage.cli(['app', 'ls'])).out).toContain('made by shops')
    const [apps, blueprints] = [await records('apps'), await records('blueprints')]
    for (const kind of ['app', 'blueprint']) {
      const { out } = await stage.cli([kind, 'ls', '--json'])
      const { name } = JSON.parse(out)[0]
      const again = await stage.cli([kind, 'add', '--file', '-'], { stdin: out })
      expect(again.code).toBe(1)
      expect(again.err).toMatch(/were there already and stay as they are: .*|there is \S+ already/)
      expect(again.err).toContain('--replace')
      for (const { name, status } of JSON.parse(out))
        if (!status?.blueprint) await stage.cli([kind, 'rm', name])
      const restored = await stage.cli([kind, 'add', '--file', '-'], { stdin: out })
      expect(restored.code).toBe(0)
      expect(restored.out).toContain(`${name} is there`)
      if (kind === 'app') expect(restored.err).toBe('shop-x is left out: shops makes it\n')
    }
    expect(await records('apps')).toEqual(apps)
    expect(await records('blueprints')).toEqual(blueprints)
  })

  test('names that are taken stay, the others are stored', async () => {
    const path = await file([
      { name: 'fresh1', image: 'a:1' },
      { name: 'Full', image: 'other:1' },
      { name: 'fresh2', image: 'a:1' },
    ])
    const { code, err } = await stage.cli(['app', 'add', '--file', path])
    expect(code).toBe(1)
    expect(err).toContain('1 of 3 apps were there already and stay as they are: Full')
    expect(await stored('fresh2')).toMatchObject({ image: 'a:1' })
    expect(await stored('Full')).toMatchObject({ image: 'a:1' })
    expect((await stage.cli(['app', 'add', '--file', path, '--replace'])).code).toBe(0)
    expect(await stored('Full')).toMatchObject({ image: 'other:1' })
  })

  test('one app as show prints it will do', async () => {
    const { out } = await stage.cli(['app', 'show', 'fresh1', '--json'])
    const { code } = await stage.cli(['app', 'add', 'copy', '-f', '-'], { stdin: out })
    expect(code).toBe(0)
    expect(await stored('copy')).toMatchObject({ name: 'copy', image: 'a:1' })
  })
})

test('An app of a blueprint is shown with what made it, and cannot be set.', async () => {
  const { out } = await stage.cli(['app', 'show', 'shop-new'])
  expect(out).toMatch(/^madeBy +blueprint shops$/m)
  const { code, err } = await stage.cli(['app', 'set', 'shop-new', '--port', '81'])
  expect(code).toBe(1)
  expect(err).toContain('blueprint shops makes it')
  expect(await stored('shop-new')).toBeNull()
})

test('URLs are where the gateway listens, unless told otherwise.', async () => {
  const gateway = { id: 'gate', applied: '1', generation: 1, endpoints: 0, rejected: [] }
  const url = async (listen: string, ...more: string[]): Promise<string> => {
    await stage.store.put('/services/gateways/gate', JSON.stringify({ ...gateway, listen }))
    await expect.poll(() => stage.catalog.state.gateways.get('gate')?.value.listen).toBe(listen)
    const { out } = await stage.cli(['app', 'set', 'copy', '--port', '82', ...more])
    return out.trimEnd().split(' ').at(-1) ?? ''
  }
  expect(await url('0.0.0.0:8123')).toBe('http://127.0.0.1:8123/copy/')
  expect(await url('[::]:8123')).toBe('http://127.0.0.1:8123/copy/')
  expect(await url('[fd00::5]:80')).toBe('http://[fd00::5]/copy/')
  expect(await url('10.1.2.3:8080')).toBe('http://10.1.2.3:8080/copy/')
  expect(await url('no address')).toBe('http://127.0.0.1:8080/copy/')
  const prefixed = { ...gateway, listen: '0.0.0.0:8124', pathPrefix: '/my/apps' }
  await stage.store.put('/services/gateways/gate', JSON.stringify(prefixed))
  await expect
    .poll(() => stage.catalog.state.gateways.get('gate')?.value.pathPrefix)
    .toBe('/my/apps')
  const { out } = await stage.cli(['app', 'set', 'copy', '--port', '82'])
  expect(out).toContain(' http://127.0.0.1:8124/my/apps/copy/\n')
  const told = ['--gateway', 'https://apps.example/']
  expect(await url('0.0.0.0:8123', ...told)).toBe('https://apps.example/copy/')
  await stage.store.remove('/services/gateways/gate')
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
  const nothing = await stage.cli(['app', 'set', 'kept'])
  expect(nothing).toMatchObject({ code: 2, out: '' })
  expect(nothing.err).toContain('nothing to change')
})

test('app ls shows a table, and JSON for scripts.', async () => {
  await stage.cli(['app', 'add', 'listed', '--image', 'a:1', '--idle-after', '90s'])
  const table = await stage.cli(['app', 'ls'])
  expect(table.code).toBe(0)
  const [head = '', ...rows] = table.out.trimEnd().split('\n')
  expect(head).toMatch(/^NAME +STATE +IMAGE +IDLE AFTER +READY +NOTE$/)
  const row = rows.find((line) => line.startsWith('listed ')) ?? ''
  expect(row).toMatch(/^listed +asleep +a:1 +90s +0\/1 +-$/)
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
  expect(err).toBe(
    'error: nobody: No such app\n  See which there are: reveille app ls\n  Done before: gone1\n  Not tried: gone2\n',
  )
  expect(await stored('gone1')).toBeNull()
  expect(await stored('gone2')).not.toBeNull()
  const json = await stage.cli(['app', 'rm', 'gone2', '--json'])
  expect(JSON.parse(json.out)).toMatchObject([{ name: 'gone2', removed: true }])
})

test('ps and app ls tell how many instances of an app are up', async () => {
  await stage.cli(['app', 'add', 'pair', '--image', 'a:1', '--replicas', '2'])
  await stage.store.put('/services/clusters/pair', '10.9.9.9:80')
  await expect
    .poll(async () => (await stage.cli(['ps', 'pair'])).out)
    .toMatch(/^pair +1\/2 +0 +ready /m)
  expect((await stage.cli(['app', 'ls'])).out).toMatch(/^pair +ready .* 1\/2 /m)
  await stage.store.remove('/services/clusters/pair')
  await stage.cli(['app', 'rm', 'pair'])
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
  const unvisited = await stage.cli(['app', 'rm', 'pr-12'])
  expect(unvisited.code).toBe(1)
  expect(unvisited.err).toContain('blueprint previews makes it, and nothing of it is there')
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
      'error: no launcher answers at http://127.0.0.1:1\n  Start one: reveille up, or its unit (systemctl start reveille-launcher). Or name another with --api or REVEILLE_API.\n',
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
    expect(err).toContain('It was given by --token')
    expect(err).not.toContain('wrong-token')
    const env = { REVEILLE_TOKEN: '' }
    const none = await stage.cli(['ps'], { env })
    expect(none.err).toContain(`there is no ${stage.env.REVEILLE_STATE_DIR}/token`)
    expect(none.err).toContain('--state-dir')
  })
})

test('The token is read from the state directory.', async () => {
  const state = await temporaryFolder()
  await writeFile(join(state, 'token'), `${stage.env.REVEILLE_TOKEN}\n`)
  const env = { REVEILLE_TOKEN: '', REVEILLE_STATE_DIR: state }
  expect((await stage.cli(['ps'], { env })).code).toBe(0)
})
