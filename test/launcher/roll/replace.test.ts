import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { App } from '../../../model/app.ts'
import { openPlayed, type Played } from '../api/played.ts'

let played: Played
let shop: App
beforeAll(async () => {
  played = await openPlayed(['h1', 'h2'])
})
beforeEach(async () => {
  await played.clear()
  shop = await played.add({ name: 'shop', image: 'shop:1', replicas: 2 })
})
afterAll(() => played.close())

const replace = (fields: object, headers: Record<string, string> = {}) =>
  played.ask('POST', '/v1/apps/shop/replace', fields, headers)

async function bothRun(): Promise<void> {
  await played.run('h1', shop, 0)
  await played.run('h2', shop, 1)
}

it('proves one instance beside the others, then goes slot by slot, and leaves nothing of the old app', async () => {
  await bothRun()
  const idle = played.container(shop, 1, { state: 'exited' })
  played.engines.get('h1')?.set(idle.id, idle)
  const answer = await replace({ image: 'shop:2' })
  expect(answer.json()).toMatchObject({ app: 'shop', slots: [0, 1], left: [] })
  expect(played.history.filter((line) => !line.startsWith('remove'))).toEqual([
    'start shop/2 on h2',
    'sleep shop/0',
    expect.stringMatching(/^start shop\/0/),
    'sleep shop/1',
    expect.stringMatching(/^start shop\/1/),
    'sleep shop/2',
  ])
  const left = Object.values(played.there()).flat().sort()
  expect(left).toEqual(['shop-0 shop:2 running', 'shop-1 shop:2 running'])
  expect(played.catalog.state.app('shop')?.image).toBe('shop:2')
  expect(await played.store.get('/services/rolls/shop')).toBeNull()
})

it('changes nothing where the new app is not proven', async () => {
  await bothRun()
  const before = [played.there(), await played.store.get('/services/apps/shop')]
  played.fates.push('exited with code 3')
  const answer = await replace({ image: 'shop:2' })
  expect(answer.json()).toMatchObject({ status: 503, detail: 'exited with code 3' })
  expect([played.there(), await played.store.get('/services/apps/shop')]).toEqual(before)
})

it('goes back by itself where a later instance fails, and says so', async () => {
  await bothRun()
  played.fates.push(null, null, 'exited with code 9')
  const answer = await replace({ image: 'shop:2' })
  expect(answer.json()).toMatchObject({
    type: 'urn:reveille:problem:start-failed',
    detail: 'the old one is back, for a new instance did not get ready: exited with code 9',
  })
  const left = Object.values(played.there()).flat()
  expect(left.filter((text) => text.includes('shop:2'))).toEqual([])
  const running = left.filter((text) => text.endsWith('running')).sort()
  expect(running).toEqual(['shop-0 shop:1 running', 'shop-1 shop:1 running'])
  expect(played.catalog.state.app('shop')).toEqual(shop)
})

it('goes on where an earlier one stopped: the app is stored, one instance is still the old one', async () => {
  await bothRun()
  await played.add({ ...shop, image: 'shop:2' })
  await played.run('h1', App.parse({ ...shop, image: 'shop:2' }), 0)
  const [old] = [...(played.engines.get('h1')?.values() ?? [])]
  played.engines.get('h1')?.delete(old?.id ?? '')
  const answer = await replace({ image: 'shop:2' })
  expect(answer.json()).toMatchObject({ slots: [1] })
  const left = Object.values(played.there()).flat().sort()
  expect(left).toEqual(['shop-0 shop:2 running', 'shop-1 shop:2 running'])
})

it('stores at once what no container is made of', async () => {
  await bothRun()
  expect((await replace({ replicas: 3 })).json()).toMatchObject({ slots: [] })
  expect(played.history).toEqual([])
  expect(played.catalog.state.app('shop')?.replicas).toBe(3)
})

it('is refused where somebody replaces it, changed it, made its container by hand, or a blueprint makes it', async () => {
  await bothRun()
  const before = played.there()
  const since = new Date().toISOString()
  await played.store.put('/services/rolls/shop', JSON.stringify({ owner: 'l2/1', since }))
  expect((await replace({ image: 'shop:2' })).statusCode).toBe(409)
  await played.store.remove('/services/rolls/shop')
  expect((await replace({ image: 'shop:2' }, { 'if-match': '"1"' })).statusCode).toBe(412)
  expect((await replace({ image: 'no image' })).statusCode).toBe(400)
  expect((await replace({ min: 3 })).json().errors[0].path).toBe('min')
  played.silent.add('h1')
  expect((await replace({ image: 'shop:2' })).json().detail).toMatch(/h1, whose engine does not/)
  played.silent.clear()
  expect(played.there()).toEqual(before)
  const hand = played.container(shop, 7)
  hand.labels['reveille.revision'] = ''
  played.engines.get('h1')?.set(hand.id, hand)
  expect((await replace({ image: 'shop:2' })).json().detail).toMatch(/was made by hand/)
  played.engines.get('h1')?.delete(hand.id)
  const lease = await played.store.grant(60)
  await played.store.put('/services/clusters/shop/8', '10.0.0.9:40008', { lease })
  await expect.poll(() => played.catalog.endpoint('shop', 8)?.port).toBe(40_008)
  expect((await replace({ image: 'shop:2' })).json().detail).toMatch(/slot 8 .* by a sidekick/)
  const blueprint = { name: 'made', pattern: '^made-[a-z]+$', app: { image: 'shop:1' } }
  await played.ask('POST', '/v1/blueprints', blueprint)
  const made = await played.ask('POST', '/v1/apps/made-one/replace', { image: 'shop:2' })
  expect(made.json()).toMatchObject({ status: 409, detail: expect.stringContaining('blueprint') })
  expect((await played.ask('POST', '/v1/apps/nobody/replace', {})).statusCode).toBe(404)
  expect(played.history).toEqual([])
})

/** Somebody else stores another App. */
const others = async (): Promise<void> => {
  await played.add({ ...shop, image: 'shop:3' })
}

it('somebody else who changes the app while it is proven wins, and the proof is cleared away', async () => {
  await bothRun()
  played.fates.push(others)
  expect((await replace({ image: 'shop:2' })).json().detail).toBe('it was changed meanwhile')
  const left = Object.values(played.there()).flat().sort()
  expect(left).toEqual(['shop-0 shop:1 running', 'shop-1 shop:1 running'])
  expect(played.catalog.state.app('shop')?.image).toBe('shop:3')
})

it('somebody else who changes the app later wins too, and what was put to sleep runs as that says', async () => {
  await bothRun()
  played.fates.push(null, others)
  expect((await replace({ image: 'shop:2' })).json()).toMatchObject({
    type: 'urn:reveille:problem:changed',
    detail: 'somebody changed it meanwhile: it was changed meanwhile',
  })
  const left = Object.values(played.there()).flat()
  const running = left.filter((text) => text.endsWith('running')).sort()
  expect(running).toEqual(['shop-0 shop:3 running', 'shop-1 shop:1 running'])
  expect(played.catalog.state.app('shop')?.image).toBe('shop:3')
})

it('never runs an app that keeps something twice: it is stopped first, and back where the new one fails', async () => {
  const db = await played.add({ name: 'db', image: 'db:1', volumes: ['data:/data'] })
  await played.run('h1', db, 0)
  const change = (fields: object) => played.ask('POST', '/v1/apps/db/replace', fields)
  played.fates.push('exited with code 5')
  expect((await change({ image: 'db:2' })).json().detail).toMatch(/^the old one is back/)
  expect((await change({ image: 'db:2' })).json()).toMatchObject({ slots: [0] })
  const steps = played.history.filter((line) => !line.startsWith('remove'))
  const start = expect.stringMatching(/^start db\/0/)
  expect(steps).toEqual(['sleep db/0', start, start, 'sleep db/0', start])
  expect(Object.values(played.there()).flat()).toContain('db-0 db:2 running')
})

it('reveille app replace shows each step, and ends with exit code 1 and the reason where it goes back', async () => {
  await bothRun()
  const done = await played.cli(['app', 'replace', 'shop', '--image', 'shop:2'])
  expect(done.err).toContain('shop/2 tries an instance')
  expect(done.err).toContain('shop/0 open requests may end')
  expect(done.out).toMatch(/^shop is replaced at .*made anew: 0, 1/)
  expect(done.code).toBe(0)
  played.fates.push('exited with code 3')
  const failed = await played.cli(['app', 'replace', 'shop', '-e', 'MODE=x', '--json'])
  expect(failed.code).toBe(1)
  expect(failed.err).toContain('exited with code 3')
  expect(failed.err).toContain('Nothing was changed: shop is as it was.')
  expect(
    failed.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).event),
  ).toContain('failed')
  expect((await played.cli(['app', 'replace', 'shop'])).code).toBe(2)
})
