import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { Catalog } from '../../../launcher/catalog.ts'
import { Rolls } from '../../../launcher/roll/roll.ts'
import { ProblemError } from '../../../model/problem.ts'
import { State } from '../../../model/state.ts'
import { openPlayed, type Played } from '../api/played.ts'

let played: Played
beforeAll(async () => {
  played = await openPlayed(['h1', 'h2', 'h3'])
})
beforeEach(() => played.clear())
afterAll(() => played.close())

const drain = (host = 'h1') => played.ask('PUT', `/v1/hosts/${host}/drain`)
const drained = async () => (await drain()).json()

it('moves what runs, with another instance beside it meanwhile, and removes what sleeps', async () => {
  const shop = await played.add({ name: 'shop', image: 'shop:1' })
  const docs = await played.add({ name: 'docs', image: 'docs:1' })
  await played.run('h1', shop, 0)
  const idle = played.container(docs, 0, { state: 'exited' })
  played.engines.get('h1')?.set(idle.id, idle)
  expect(await drained()).toEqual({ host: 'h1', moved: 1, removed: 1, left: [] })
  const own = played.history.filter((line) => line.includes('shop') && !line.startsWith('remove'))
  expect(own).toEqual([
    expect.stringMatching(/^start shop\/1 on h[23]$/),
    'sleep shop/0',
    expect.stringMatching(/^start shop\/0 on h[23]$/),
    'sleep shop/1',
  ])
  expect(played.there().h1).toEqual([])
  expect(Object.values(played.there()).flat()).toEqual(['shop-0 shop:1 running'])
  expect(JSON.parse((await played.store.get('/services/drains/h1'))?.value ?? '')).toHaveProperty(
    'since',
  )
})

it('leaves no network of a group behind: an engine has addresses for few of them', async () => {
  const shop = await played.add({ name: 'shop', image: 'shop:1', group: 'team' })
  const idle = played.container(shop, 0, { state: 'exited' })
  played.engines.get('h1')?.set(idle.id, idle)
  expect(await drained()).toMatchObject({ removed: 1, left: [] })
  expect(played.history).toEqual(['remove shop-0 on h1', 'drop network of team on h1'])
})

it('works again: there is nothing left to do, and what could not be moved is moved', async () => {
  const shop = await played.add({ name: 'shop', image: 'shop:1' })
  await played.run('h1', shop, 0)
  played.fates.push('exited with code 3')
  expect(await drained()).toMatchObject({
    moved: 0,
    left: [{ app: 'shop', slot: 0, reason: 'does not start elsewhere: exited with code 3' }],
  })
  expect(played.there().h1).toEqual(['shop-0 shop:1 running'])
  expect(played.history.filter((line) => line.startsWith('sleep'))).toEqual([])
  expect(await drained()).toMatchObject({ moved: 1, left: [] })
  expect(await drained()).toEqual({ host: 'h1', moved: 0, removed: 0, left: [] })
})

it('names what cannot be moved: made by hand, of an App nobody knows, and where no host is left', async () => {
  const shop = await played.add({ name: 'shop', image: 'shop:1' })
  await played.run('h1', shop, 0)
  const hand = played.container(shop, 5)
  hand.labels['reveille.revision'] = ''
  const lost = played.container({ ...shop, name: 'lost' }, 0)
  for (const one of [hand, lost]) played.engines.get('h1')?.set(one.id, one)
  expect((await drain('h2')).json().left).toEqual([])
  expect((await drain('h3')).json().left).toEqual([])
  const { left } = await drained()
  expect(left.map(({ app, slot, reason }: Record<string, unknown>) => [app, slot, reason])).toEqual(
    expect.arrayContaining([
      ['shop', 5, 'was made by hand: move it yourself, or remove it'],
      ['shop', 0, 'does not start elsewhere: no host is left'],
      ['lost', 0, 'nobody knows its App: reveille app rm lost'],
    ]),
  )
  expect(left).toHaveLength(3)
  expect(played.there().h1).toHaveLength(3)
})

it('leaves what has its volumes there, awake or not, and says so', async () => {
  const db = await played.add({ name: 'db', image: 'db:1', replicas: 2, volumes: ['data:/data'] })
  await played.run('h1', db, 0)
  const idle = played.container(db, 1, { state: 'exited' })
  played.engines.get('h1')?.set(idle.id, idle)
  await played.store.put('/services/homes/db', JSON.stringify({ host: 'h1', volumes: ['data'] }))
  await expect.poll(() => played.catalog.state.homes.size).toBe(1)
  const { moved, removed, left } = await drained()
  expect([moved, removed, played.history]).toEqual([0, 0, []])
  expect(left).toMatchObject([
    { app: 'db', slot: 0, reason: 'has its volumes here' },
    { app: 'db', slot: 1, reason: 'has its volumes here' },
  ])
  await played.store.remove('/services/homes/db')
})

it('waits for a replace of the app', async () => {
  const shop = await played.add({ name: 'shop', image: 'shop:1' })
  await played.run('h1', shop, 0)
  const since = new Date().toISOString()
  await played.store.put('/services/rolls/shop', JSON.stringify({ owner: 'l2/1', since }))
  await expect.poll(() => played.catalog.state.rolls.size).toBe(1)
  const answer = drained()
  await expect.poll(() => played.catalog.state.drains.size).toBe(1)
  expect(played.history).toEqual([])
  await played.store.remove('/services/rolls/shop')
  expect(await answer).toMatchObject({ moved: 1, left: [] })
})

it('a replace that was not heard of yet is waited for as well, and what fails by itself is not tried again', async () => {
  const { keys } = played.catalog
  const anywhere = { networks: [], denied: new Set<string>() }
  const { store } = played
  const catalog = new Catalog(new State(keys, anywhere), keys)
  const session = { lease: await store.grant(60) }
  const claiming = { catalog, store, session, owner: () => 'l1/1', now: () => new Date() }
  const rolls = new Rolls(claiming, new AbortController().signal)
  await store.put('/services/rolls/shop', '{}')
  let turns = 0
  const work = async (): Promise<void> => {
    turns += 1
    throw new ProblemError('conflict')
  }
  const turn = rolls.turn('shop', 10_000, work).catch(({ code }: ProblemError) => code)
  await pause(500)
  expect(turns).toBe(0)
  await store.remove('/services/rolls/shop')
  expect([await turn, turns]).toEqual(['conflict', 1])
})

it('says so where nobody knows what is there, and drains no host that does not exist', async () => {
  played.silent.add('h1')
  expect(await drained()).toMatchObject({
    status: 503,
    detail: expect.stringContaining('its engine does not answer'),
  })
  expect((await drain('nowhere')).statusCode).toBe(404)
  expect((await drain('..')).statusCode).toBe(404)
  const typed = await played.ask('DELETE', '/v1/hosts/nowhere/drain')
  expect([typed.statusCode, typed.json().detail]).toEqual([
    404,
    'there is no host nowhere: reveille hosts lists them',
  ])
  expect(await played.store.get('/services/drains/nowhere')).toBeNull()
})

it('reveille host drain says what was moved or why not, hosts shows it, undrain ends it', async () => {
  const shop = await played.add({ name: 'shop', image: 'shop:1' })
  await played.run('h1', shop, 0)
  played.fates.push('exited with code 3')
  const failed = await played.cli(['host', 'drain', 'h1'])
  expect(failed.code).toBe(1)
  expect(failed.err).toContain('h1 is not empty yet (0 moved, 0 that slept removed)')
  expect(failed.err).toContain('shop/0: does not start elsewhere: exited with code 3')
  expect(failed.err).toContain('until: reveille host undrain h1')
  const done = await played.cli(['host', 'drain', 'h1'])
  expect(done.err).toContain('shop/1 tries an instance')
  expect([done.code, done.out]).toEqual([0, 'h1 is empty (1 moved, 0 that slept removed)\n'])
  expect((await played.cli(['hosts'])).out).toMatch(/^h1 .* drained /m)
  const again = await played.cli(['host', 'undrain', 'h1'])
  expect([again.code, again.out]).toEqual([0, 'h1 may have apps again\n'])
  expect((await played.cli(['hosts'])).out).not.toContain('drained')
  expect((await played.cli(['host', 'drain', '../x'])).code).toBe(2)
})

it('says of the only host that there is no other, and tries nothing', async () => {
  const alone = await openPlayed(['h1'])
  try {
    const shop = await alone.add({ name: 'shop', image: 'shop:1' })
    await alone.run('h1', shop, 0)
    const { left } = (await alone.ask('PUT', '/v1/hosts/h1/drain')).json()
    expect(left).toMatchObject([{ reason: 'does not start elsewhere: there is no other host' }])
    expect(alone.history).toEqual([])
  } finally {
    await alone.close()
  }
})
