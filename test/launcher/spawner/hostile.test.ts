import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { isAppName } from '../../../model/name.ts'
import { hostile } from '../../hostile/corpus.ts'
import { freePort } from '../../lab/port.ts'
import { raw } from '../api/raw.ts'
import { type Desk, openDesk } from './desk.ts'

let desk: Desk
let port: number
beforeAll(async () => {
  port = await freePort()
  desk = await openDesk({
    ...{ listen: `127.0.0.1:${port}`, registries: ['registry.local'] },
  })
  await desk.stage.spawner?.listen({ host: '127.0.0.1', port })
  await desk.ask('POST', '/deploy', { name: 'there', image: 'registry.local/shop:1' })
})
afterAll(() => desk.close())

const image = 'registry.local/shop:1'

/** Sends an order that must be refused, and sees to it that nothing was stored and nothing started. */
async function refused(body: object | string): Promise<string> {
  const before = await desk.stage.contents()
  const woken = desk.woken.length
  const answer = await desk.ask('POST', '/deploy/', body)
  expect(answer.statusCode, answer.body).toBeGreaterThanOrEqual(400)
  expect(answer.statusCode, answer.body).toBeLessThan(500)
  expect(answer.headers['content-type']).toContain('application/problem+json')
  expect(await desk.stage.contents()).toEqual(before)
  expect(desk.woken).toHaveLength(woken)
  return answer.body
}

describe('P24: no host is taken over by a create', () => {
  const bodies = hostile('create.api')
  test('there are 25 ways', () => expect(bodies).toHaveLength(25))

  test.each(bodies)('$value ($why)', async ({ value }) => {
    await refused(value)
    const inside = value.slice(1)
    if (!value.startsWith('{"name"')) await refused(`{"name":"made","image":"${image}",${inside}`)
    expect(({} as { HostConfig?: unknown }).HostConfig).toBeUndefined()
  })
})

test.each(hostile('app.name'))('the name $value', async ({ value, expect: expected }) => {
  if (expected === 'reject-400') return void (await refused({ name: value, image }))
  const answer = await desk.ask('POST', '/deploy', { name: value, image })
  expect(answer.statusCode, answer.body).toBe(201)
  expect(answer.json().name).toBe(value)
  const { store, keys, catalog } = desk.stage
  await store.remove(keys.endpoint(value, 0))
  await store.remove(keys.named('app', value))
  await vi.waitUntil(() => !catalog.find(value) && catalog.state.slots(value).size === 0, 10_000)
})

test.each(hostile('container.env'))('the variable $value: $why', async ({ value }) => {
  const [name = '', ...rest] = value.split('=')
  await refused({
    name: 'env',
    image,
    envs: { [name]: value.includes('=') ? rest.join('=') : null },
  })
  await refused({ name: 'env', image, envs: [value] })
})

test.each(hostile('image.ref'))(
  'the image $value: $expect',
  async ({ value, expect: expected }) => {
    if (expected !== 'accept') return void (await refused({ name: 'image', image: value }))
    expect((await desk.ask('POST', '/deploy', { name: 'image', image: value })).statusCode).toBe(
      201,
    )
  },
)

test.each(hostile('container.label'))('the label value $value: $why', async ({ value }) => {
  for (const label of ['healthcheck', 'health-check', 'reveille.app', 'origin', value])
    await refused({ name: 'label', image, labels: { [label]: value } })
  // a word or a number is a fair name of a network
  if (!isAppName(value)) await refused({ name: 'label', image, network: value })
  const port = 'traefik.http.services.m.loadbalancer.server.port'
  await refused({ name: 'label', image, labels: { [port]: value } })
})

describe.each(hostile('api.header'))('$value ($why)', ({ value }) => {
  const query = value.startsWith('?') ? value : ''
  const header = query === '' ? value : ''
  const name = header.split(':')[0]?.toLowerCase() ?? ''
  const payload = JSON.stringify({ name: 'made', image })
  /** A request that is right but for the one header. */
  const request = (method: string, path: string, body: string): [string[], string] => {
    const own = [
      ['host', `Host: 127.0.0.1:${port}`],
      ['authorization', `Authorization: Bearer ${desk.token}`],
      ['content-type', 'Content-Type: application/json'],
      ['content-length', `Content-Length: ${body.length}`],
    ].flatMap(([key, line]) => (key === name || line === undefined ? [] : [line]))
    const lines = header === '' ? own : [...own, header]
    return [[`${method} ${path}${query} HTTP/1.1`, ...lines], name === 'content-length' ? '' : body]
  }

  test('changes nothing', async () => {
    const before = await desk.stage.contents()
    const made = await raw(port, ...request('POST', '/deploy/', payload))
    expect(made).toMatch(/^HTTP\/1\.1 4(?:00|01|03|15|21|31) /)
    expect(made).toContain('application/problem+json')
    expect(made).not.toMatch(/access-control/i)
    if (name !== 'content-length' && name !== 'content-type') {
      const gone = await raw(port, ...request('DELETE', '/deploy/there', ''))
      expect(gone).toMatch(/^HTTP\/1\.1 4(?:00|01|03|15|21|31) /)
    }
    expect(await desk.stage.contents()).toEqual(before)
    expect(desk.stage.log.join('')).not.toContain('secret')
  })
})

test('a body that is too large is refused before it is read', async () => {
  const answer = await desk.ask('POST', '/deploy/', `{"name":"${'x'.repeat(300_000)}"}`)
  expect(answer.statusCode).toBe(413)
})
