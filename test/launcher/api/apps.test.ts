import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AppView } from '../../../launcher/api/schema.ts'
import { openStage, type Stage } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage.close())

const image = 'shop:1'

describe('apps', () => {
  test('are created, read, listed, replaced and removed', async () => {
    const created = await stage.ask('POST', '/v1/apps', { name: 'Shop', image, idleAfter: '5m' })
    expect(created.statusCode).toBe(201)
    expect(AppView.parse(created.json())).toMatchObject({
      name: 'Shop',
      image,
      idleAfter: 300,
      port: 8000,
      status: { state: 'asleep', slots: [], lastUsed: null },
    })
    expect((await stage.store.get('/services/apps/Shop'))?.value).toContain('"idleAfter":300')

    const read = await stage.ask('GET', '/v1/apps/shop')
    expect(read.json()).toEqual(created.json())
    expect(read.headers.etag).toBe(`"${read.json().status.revision}"`)

    const replaced = await stage.ask('PUT', '/v1/apps/Shop', { image: 'shop:2' })
    expect(replaced.statusCode).toBe(200)
    expect(replaced.json()).toMatchObject({ name: 'Shop', image: 'shop:2' })
    const { apps } = (await stage.ask('GET', '/v1/apps')).json()
    expect(apps).toEqual([replaced.json()])

    const removed = await stage.ask('DELETE', '/v1/apps/Shop')
    expect(removed.statusCode).toBe(200)
    expect(removed.json()).toEqual({ name: 'Shop', containers: 0, volumes: 0, unreachable: [] })
    expect((await stage.ask('GET', '/v1/apps/Shop')).statusCode).toBe(404)
    expect((await stage.ask('DELETE', '/v1/apps/Shop')).statusCode).toBe(404)
  })

  test('are created by PUT too, and what GET shows can be put back', async () => {
    const created = await stage.ask('PUT', '/v1/apps/back', { image, health: 'http:/up' })
    expect(created.statusCode).toBe(201)
    const { status: _status, ...record } = created.json()
    const again = await stage.ask('PUT', '/v1/apps/back', record)
    expect(again.statusCode).toBe(200)
    const { status: _other, ...same } = again.json()
    expect(same).toEqual(record)
  })

  test('are written only if they are still at the given ETag', async () => {
    const first = await stage.ask('POST', '/v1/apps', { name: 'tagged', image })
    const old = { 'if-match': String(first.headers.etag) }
    const second = await stage.ask('PUT', '/v1/apps/tagged', { image: 'shop:2' }, old)
    expect(second.statusCode).toBe(200)
    for (const late of [
      await stage.ask('PUT', '/v1/apps/tagged', { image: 'shop:3' }, old),
      await stage.ask('DELETE', '/v1/apps/tagged', undefined, old),
      await stage.ask('PUT', '/v1/apps/never', { image }, old),
    ])
      expect(late.json()).toMatchObject({ status: 412, type: 'urn:reveille:problem:changed' })
    expect((await stage.ask('GET', '/v1/apps/tagged')).json().image).toBe('shop:2')
    const now = { 'if-match': String(second.headers.etag) }
    expect((await stage.ask('DELETE', '/v1/apps/tagged', undefined, now)).statusCode).toBe(200)
    const bad = await stage.ask('DELETE', '/v1/apps/back', undefined, { 'if-match': 'W/"x"' })
    expect(bad.statusCode).toBe(400)
  })

  test('show when a gateway saw them used', async () => {
    await stage.ask('POST', '/v1/apps', { name: 'used', image })
    await stage.ask('POST', '/v1/apps', { name: 'USED-too', image })
    const time = '2026-11-21T01:02:03.000Z'
    // Gateways fold names to lower case.
    for (const name of ['used', 'used-too'])
      await stage.store.put(`/services/activity/${name}`, time)
    const { apps } = (await stage.ask('GET', '/v1/apps')).json()
    for (const name of ['used', 'USED-too']) {
      expect((await stage.ask('GET', `/v1/apps/${name}`)).json().status.lastUsed).toBe(time)
      const used = apps.find((app: { name: string }) => app.name === name)
      expect(used.status.lastUsed).toBe(time)
    }
  })

  test('show their ready instances', async () => {
    await stage.ask('POST', '/v1/apps', { name: 'ready', image })
    await stage.store.put('/services/clusters/ready', '10.0.0.5:49150')
    await expect
      .poll(async () => (await stage.ask('GET', '/v1/apps/ready')).json().status)
      .toMatchObject({ state: 'ready', slots: [{ slot: 0, endpoint: '10.0.0.5:49150' }] })
  })

  test('have names that are unique ignoring case', async () => {
    expect((await stage.ask('POST', '/v1/apps', { name: 'Case', image })).statusCode).toBe(201)
    for (const name of ['Case', 'case', 'CASE']) {
      const clash = await stage.ask('POST', '/v1/apps', { name, image })
      expect(clash.json()).toMatchObject({ status: 409, detail: 'there is Case already' })
    }
    const put = await stage.ask('PUT', '/v1/apps/case', { name: 'case', image: 'other:1' })
    expect(put.statusCode).toBe(409)
    const kept = await stage.ask('PUT', '/v1/apps/case', { image: 'other:1' })
    expect(kept.json()).toMatchObject({ name: 'Case', image: 'other:1' })
    const other = await stage.ask('PUT', '/v1/apps/case', { name: 'elsewhere', image })
    expect(other.json()).toMatchObject({ status: 400, errors: [{ path: 'name' }] })
  })

  test('created at the same time in different case leave exactly one', async () => {
    const other = await stage.second()
    const spell = (name: string, bits: number): string =>
      Array.from(name, (c, i) => ((bits >> i) & 1 ? c.toUpperCase() : c)).join('')
    for (let round = 0; round < 15; round++) {
      const answers = await Promise.all(
        Array.from({ length: 6 }, (_, index) => {
          const api = index % 2 === 0 ? stage.api : other.api
          const name = `${spell('race', index + 1)}-${round}`
          const headers = { authorization: `Bearer a-token-for-tests-only-0123456789` }
          return api.inject({ method: 'POST', url: '/v1/apps', headers, payload: { name, image } })
        }),
      )
      const codes = answers.map((answer) => answer.statusCode).sort((a, b) => a - b)
      expect(codes).toEqual([201, 409, 409, 409, 409, 409])
      const won = answers.find((answer) => answer.statusCode === 201)?.json().name
      const { entries } = await stage.store.list('/services/apps/')
      const left = entries.filter(({ key }) => key.toLowerCase().endsWith(`/race-${round}`))
      expect(left.map(({ key }) => key)).toEqual([`/services/apps/${won}`])
    }
  })

  test('are refused with every wrong field named', async () => {
    const before = await stage.contents()
    const answer = await stage.ask('POST', '/v1/apps', {
      name: 'wrong',
      image,
      port: 70_000,
      idleAfter: '-1',
      privileged: true,
      limits: { memory: '1k', swap: 1 },
      env: { LD_PRELOAD: '/x' },
      health: 'ftp:/x',
    })
    expect(answer.statusCode).toBe(400)
    const paths = answer.json().errors.map((error: { path: string }) => error.path)
    expect(paths.sort()).toEqual(
      [
        'env.LD_PRELOAD',
        'health',
        'idleAfter',
        'limits.memory',
        'limits.swap',
        'port',
        'privileged',
      ].sort(),
    )
    const large = await stage.ask('POST', '/v1/apps', {
      name: 'large',
      image,
      env: Object.fromEntries(Array.from({ length: 3 }, (_, i) => [`V${i}`, 'x'.repeat(32_000)])),
    })
    expect(large.statusCode).toBe(400)
    const poor = await stage.ask('POST', '/v1/apps', { name: 'poor', image, min: 2 })
    expect(poor.json().errors).toEqual([{ path: 'min', message: 'must be at most replicas' }])
    expect(await stage.contents()).toEqual(before)
  })
})

describe('blueprints', () => {
  test('are created, read, listed, replaced and removed', async () => {
    const blueprint = { name: 'shops', pattern: '^shop-[a-z0-9]+$', app: { image } }
    const created = await stage.ask('POST', '/v1/blueprints', blueprint)
    expect(created.statusCode).toBe(201)
    expect(created.json()).toMatchObject({ ...blueprint, app: { image, port: 8000 } })
    expect((await stage.ask('POST', '/v1/blueprints', blueprint)).statusCode).toBe(409)
    const { name: _name, ...rest } = blueprint
    const put = await stage.ask('PUT', '/v1/blueprints/shops', { ...rest, app: { image: 'b:2' } })
    expect(put.json().app.image).toBe('b:2')
    expect((await stage.ask('GET', '/v1/blueprints/shops')).json()).toEqual(put.json())
    expect((await stage.ask('GET', '/v1/blueprints')).json()).toEqual({ blueprints: [put.json()] })
    const bad = { ...blueprint, name: 'bad', pattern: '(a+)+$', extra: 1 }
    const refused = await stage.ask('POST', '/v1/blueprints', bad)
    expect(
      refused
        .json()
        .errors.map(({ path }: { path: string }) => path)
        .sort(),
    ).toEqual(['extra', 'pattern'])
    const derived = (await stage.ask('GET', '/v1/apps/SHOP-7')).json()
    expect(derived).toMatchObject({
      name: 'shop-7',
      image: 'b:2',
      status: { state: 'asleep', blueprint: 'shops', revision: put.headers.etag?.slice(1, -1) },
    })
    const names = async (): Promise<string[]> =>
      (await stage.ask('GET', '/v1/apps')).json().apps.map(({ name }: { name: string }) => name)
    expect(await names()).not.toContain('shop-7')
    await stage.store.put('/services/clusters/shop-7', '10.0.0.5:49151')
    await expect.poll(names).toContain('shop-7')
    expect((await stage.ask('DELETE', '/v1/blueprints/shops')).statusCode).toBe(204)
    expect((await stage.ask('GET', '/v1/apps/shop-7')).statusCode).toBe(404)
    expect((await stage.ask('DELETE', '/v1/blueprints/shops')).statusCode).toBe(404)
  })
})
