import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { Catalog } from '../../../launcher/catalog.ts'
import { sleepSlot } from '../../../launcher/sleep/slot.ts'
import type { ClaimStore } from '../../../launcher/wake/withdrawal.ts'
import { Claim } from '../../../model/record.ts'
import { State } from '../../../model/state.ts'
import { openStage, type Stage } from './stage.ts'

// The registrar is played by the test here, step by step; sleep.lab.test.ts has the real one.

let stage: Stage
const woken: string[] = []
beforeAll(async () => {
  stage = await openStage({
    drainTimeout: 1,
    control: {
      wake: async (name) => {
        woken.push(name)
        return { host: '10.0.0.9', port: 49_000 }
      },
    },
  })
  await stage.ask('POST', '/v1/apps', { name: 'Shop', image: 'shop:1', stopTimeout: 1 })
})
afterAll(() => stage.close())

const endpoint = '/services/clusters/Shop'
const claimKey = '/services/claims/Shop/0'

beforeEach(async () => {
  woken.length = 0
  await stage.store.remove(claimKey)
  await register()
})

async function register(): Promise<void> {
  await stage.store.put(endpoint, '10.0.0.5:49150')
  await expect.poll(() => stage.catalog.endpoint('shop', 0)?.port).toBe(49_150)
}

/** The claim the API made, as soon as it is there. */
async function requested(): Promise<{ claim: Claim; modRevision: string }> {
  for (let tries = 0; tries < 200; tries++) {
    const entry = await stage.store.get(claimKey)
    if (entry)
      return { claim: Claim.parse(JSON.parse(entry.value)), modRevision: entry.modRevision }
    await pause(10)
  }
  throw new Error('no claim was made')
}

/** Takes a request over and does what a registrar does. */
async function obey(): Promise<Claim> {
  const { claim, modRevision } = await requested()
  const step = async (phase: Claim['phase'], at: string): Promise<string> => {
    const value = JSON.stringify({ ...claim, owner: 'registrar/1', phase })
    return (await stage.store.replace(claimKey, value, { modRevision: at })) ?? ''
  }
  const draining = await step('draining', modRevision)
  await stage.store.remove(endpoint)
  await pause(50)
  const stopping = await step('stopping', draining)
  await pause(50)
  await stage.store.remove(claimKey, { modRevision: stopping })
  return claim
}

test('a sleep is a claim the registrar takes over, and is done when the claim is gone', async () => {
  const answer = stage.ask('POST', '/v1/apps/shop/sleep')
  const claim = await obey()
  expect(claim).toMatchObject({ action: 'sleep', phase: 'requested' })
  expect(claim.owner).toMatch(/^launcher-1\//)
  expect(claim.firm).toBeUndefined()
  expect((await answer).json()).toEqual({ app: 'Shop', asked: 1, state: 'asleep' })
  const again = await stage.ask('POST', '/v1/apps/Shop/sleep')
  expect(again.json()).toEqual({ app: 'Shop', asked: 0, state: 'asleep' })
  expect(await stage.store.get(claimKey)).toBeNull()
})

test('the claim lives under the lease of the launcher', async () => {
  const answer = stage.ask('POST', '/v1/apps/shop/sleep')
  await requested()
  expect((await stage.store.get(claimKey))?.lease).toBe(stage.session.lease)
  await obey()
  await answer
})

test('a wake that takes the claim back keeps the app awake', async () => {
  const answer = stage.ask('POST', '/v1/apps/shop/sleep')
  const { claim, modRevision } = await requested()
  const wake = JSON.stringify({ owner: 'launcher-2/1', action: 'wake', since: claim.since })
  const revision = await stage.store.replace(claimKey, wake, { modRevision })
  await stage.store.remove(claimKey, { modRevision: revision ?? '' })
  expect((await answer).json()).toEqual({ app: 'Shop', asked: 1, state: 'ready' })
})

test('a registrar that does not answer is named, and the request withdrawn', async () => {
  await stage.store.put(
    '/services/hosts/box-1',
    JSON.stringify({
      name: 'box-1',
      address: '10.0.0.5',
      engine: 'unix:///nowhere.sock',
      publish: '10.0.0.5',
      cpus: 1,
      memory: 1,
    }),
  )
  await expect.poll(() => stage.catalog.state.hosts.size).toBe(1)
  const answer = await stage.ask('POST', '/v1/apps/shop/sleep')
  expect(answer.json()).toMatchObject({
    status: 503,
    type: 'urn:reveille:problem:unavailable',
    detail: 'the registrar of box-1 does not answer',
  })
  expect(await stage.store.get(claimKey)).toBeNull()
  expect((await stage.store.get(endpoint))?.value).toBe('10.0.0.5:49150')
  await stage.store.remove('/services/hosts/box-1')
  await expect.poll(() => stage.catalog.state.hosts.size).toBe(0)
})

test('a registrar that takes over but does not finish is told of in time', async () => {
  const answer = stage.ask('POST', '/v1/apps/shop/sleep')
  const { claim, modRevision } = await requested()
  const value = JSON.stringify({ ...claim, phase: 'draining' })
  await stage.store.replace(claimKey, value, { modRevision })
  expect((await answer).json()).toMatchObject({ status: 503 })
  expect((await answer).json().detail).toContain('does not finish')
})

test('a moment without etcd ends no sleep', async () => {
  let lost = 0
  const late = async <T>(call: Promise<T>): Promise<T> => {
    const answer = await call
    if (lost++ % 2 === 0) throw new Error('the answer is lost')
    return answer
  }
  const store = {
    get: (key: string) => late(stage.store.get(key)),
    create: (...of: Parameters<ClaimStore['create']>) => late(stage.store.create(...of)),
    replace: (...of: Parameters<ClaimStore['replace']>) => stage.store.replace(...of),
    remove: (...of: Parameters<ClaimStore['remove']>) => stage.store.remove(...of),
  }
  const { catalog, session } = stage
  const options = { catalog, session, store, owner: () => 'launcher-1/7', now: () => new Date() }
  const request = { firm: true, deadline: 10 }
  const slept = sleepSlot({ app: 'Shop', slot: 0, host: 'box-1' }, request, options)
  expect(await obey()).toMatchObject({ owner: 'launcher-1/7', firm: true })
  await slept
  expect(lost).toBeGreaterThan(4)
})

test('what is awake again is let be where only what is paused was to be stopped', async () => {
  const { catalog, session, store } = stage
  const options = { catalog, session, store, owner: () => 'launcher-1/8', now: () => new Date() }
  const request = { firm: false, isYielding: true, deadline: 10 }
  const before = await stage.contents()
  await sleepSlot({ app: 'Shop', slot: 0, host: 'box-1' }, request, options)
  expect(await stage.contents()).toEqual(before)
})

test('when it is done, a launcher that hears of changes late knows of it', async () => {
  const { session, store } = stage
  const { keys } = stage.catalog
  const anywhere = {
    networks: [{ family: 4 as const, bits: 0n, prefix: 0 }],
    denied: new Set<string>(),
  }
  const catalog = new Catalog(new State(keys, anywhere), keys)
  const stop = stage.catalog.onChange((batch) => {
    const { revision } = stage.catalog
    setTimeout(() => catalog.apply(batch, String(revision)), 500)
  })
  await register()
  await expect.poll(() => catalog.endpoint('Shop', 0)).not.toBeNull()
  const options = { catalog, session, store, owner: () => 'launcher-1/9', now: () => new Date() }
  const slept = sleepSlot({ app: 'Shop', slot: 0, host: '' }, { firm: true, deadline: 10 }, options)
  await obey()
  await slept
  expect(catalog.endpoint('Shop', 0)).toBeNull()
  expect(catalog.claim('Shop', 0)).toBeNull()
  stop()
})

test('a sleep waits for a change that is under way', async () => {
  const since = new Date().toISOString()
  const other = JSON.stringify({ owner: 'launcher-2/1', action: 'wake', since })
  await stage.store.create(claimKey, other)
  const answer = stage.ask('POST', '/v1/apps/shop/sleep')
  await pause(200)
  await stage.store.remove(claimKey)
  await obey()
  expect((await answer).json()).toMatchObject({ asked: 1, state: 'asleep' })
})

test('a restart is firm and wakes afterwards', async () => {
  const answer = stage.ask('POST', '/v1/apps/shop/restart')
  expect((await requested()).claim.firm).toBe(true)
  expect(woken).toEqual([])
  await obey()
  expect((await answer).json()).toEqual({ app: 'Shop', endpoint: '10.0.0.9:49000' })
  expect(woken).toEqual(['Shop'])
})

test('an app that min keeps awake is not put to sleep', async () => {
  await stage.ask('PUT', '/v1/apps/Shop', { image: 'shop:1', min: 1, stopTimeout: 1 })
  const answer = await stage.ask('POST', '/v1/apps/shop/sleep')
  expect(answer.json()).toMatchObject({ status: 409, detail: 'min: 1 keeps it awake' })
  expect(await stage.store.get(claimKey)).toBeNull()
  await stage.ask('PUT', '/v1/apps/Shop', { image: 'shop:1', stopTimeout: 1 })
})

test('a removal takes the record first, then puts every slot firmly to sleep', async () => {
  await stage.ask('POST', '/v1/apps', { name: 'gone', image: 'shop:1' })
  await stage.store.put('/services/clusters/gone', '10.0.0.6:49150')
  await expect.poll(() => stage.catalog.endpoint('gone', 0)?.port).toBe(49_150)
  const answer = stage.ask('DELETE', '/v1/apps/GONE')
  await expect.poll(() => stage.store.get('/services/claims/gone/0')).not.toBeNull()
  expect(await stage.store.get('/services/apps/gone')).toBeNull()
  const entry = await stage.store.get('/services/claims/gone/0')
  expect(JSON.parse(entry?.value ?? '')).toMatchObject({ firm: true })
  await stage.store.remove('/services/clusters/gone')
  await stage.store.remove('/services/claims/gone/0')
  expect((await answer).json()).toEqual({
    name: 'gone',
    containers: 0,
    volumes: 0,
    unreachable: [],
  })
})

test('what nobody knows cannot be woken, put to sleep, restarted or read', async () => {
  const before = await stage.contents()
  for (const action of ['wake', 'sleep', 'restart'])
    expect((await stage.ask('POST', `/v1/apps/nobody/${action}`)).json()).toMatchObject({
      status: 404,
      type: 'urn:reveille:problem:unknown-app',
    })
  expect((await stage.ask('GET', '/v1/apps/nobody/logs')).statusCode).toBe(404)
  expect(await stage.contents()).toEqual(before)
})

test('what a sidekick registered is told at once to be its to stop, and nothing is removed', async () => {
  const lease = await stage.store.grant(60)
  await stage.store.put('/services/clusters/side', '10.0.0.7:49150', { lease })
  await stage.ask('POST', '/v1/apps', { name: 'side', image: 'shop:1' })
  await expect.poll(() => stage.catalog.endpoint('side', 0)?.port).toBe(49_150)
  for (const answer of [
    await stage.ask('POST', '/v1/apps/side/sleep'),
    await stage.ask('DELETE', '/v1/apps/side'),
  ])
    expect(answer.json()).toMatchObject({
      status: 409,
      detail: 'slot 0 is registered by a sidekick; stop that',
    })
  expect(await stage.store.get('/services/apps/side')).not.toBeNull()
})

test('the min of a blueprint keeps its apps awake as well', async () => {
  const app = { image: 'shop:1', min: 1 }
  await stage.ask('POST', '/v1/blueprints', { name: 'made', pattern: '^made-[a-z]+$', app })
  await stage.store.put('/services/clusters/made-one', '10.0.0.8:49150')
  await expect.poll(() => stage.catalog.endpoint('made-one', 0)?.port).toBe(49_150)
  const answer = await stage.ask('POST', '/v1/apps/made-one/sleep')
  expect(answer.json()).toMatchObject({ status: 409, detail: 'min: 1 keeps it awake' })
})
