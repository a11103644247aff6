import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStage, type Stage } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage.close())

test('what was stored is answered as such by a launcher that has not heard of it yet', async () => {
  stage.deafen()
  const app = await stage.ask('POST', '/v1/apps', { name: 'late', image: 'a:1' })
  expect(app.statusCode).toBe(201)
  const revision = (await stage.store.get('/services/apps/late'))?.modRevision
  expect(app.json()).toMatchObject({ name: 'late', status: { revision } })
  expect(app.headers.etag).toBe(`"${revision}"`)
  const body = { name: 'late', pattern: '^l-[a-z]+$', app: { image: 'a:1' } }
  const blueprint = await stage.ask('POST', '/v1/blueprints', body)
  expect([blueprint.statusCode, blueprint.json().name]).toEqual([201, 'late'])
})

test('a launcher that has not heard from etcd says so instead of showing an empty cluster', async () => {
  let hear = (): void => {}
  const deaf = await openStage({
    synced: new Promise((resolve) => {
      hear = resolve
    }),
  })
  try {
    const refused = await deaf.ask('GET', '/v1/apps')
    expect([refused.statusCode, refused.json().type]).toEqual([
      503,
      'urn:reveille:problem:unavailable',
    ])
    expect(refused.headers['retry-after']).toBe('2')
    expect((await deaf.ask('GET', '/healthz')).statusCode).toBe(200)
    const held = deaf.ask('GET', '/v1/apps')
    hear()
    expect((await held).statusCode).toBe(200)
  } finally {
    await deaf.close()
  }
})
