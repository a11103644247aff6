import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canonical } from '../../../model/name.ts'
import { hostile } from '../../hostile/corpus.ts'
import { openStage, type Stage } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage({ registries: ['registry.local', 'docker.io'] })
})
afterAll(() => stage.close())

const image = 'registry.local/shop:1'

/** Sends a request that must be refused, and sees to it that nothing was stored. */
async function refused(send: () => Promise<{ statusCode: number; body: string }>): Promise<string> {
  const before = await stage.contents()
  const { statusCode, body } = await send()
  expect(statusCode, body).toBeGreaterThanOrEqual(400)
  expect(statusCode, body).toBeLessThan(500)
  expect(await stage.contents()).toEqual(before)
  return body
}

describe.each(hostile('app.name'))('the name $value', ({ value, expect: expected }) => {
  const put = () => stage.ask('PUT', `/v1/apps/${encodeURIComponent(value)}`, { image })
  const post = () => stage.ask('POST', '/v1/apps', { name: value, image })

  test(`behaves as ${expected} when it is posted and put`, async () => {
    if (expected === 'reject-400') {
      await refused(post)
      await refused(put)
      await refused(() => stage.ask('PUT', '/v1/apps/host', { name: value, image }))
      await refused(() => stage.ask('POST', `/v1/apps/${encodeURIComponent(value)}/wake`))
      return
    }
    for (const send of [post, put]) {
      const answer = await send()
      if (answer.statusCode !== 201 && expected === 'reject-400-or-works') {
        expect(answer.statusCode).toBeLessThan(500)
        continue
      }
      expect(answer.statusCode, answer.body).toBe(201)
      expect(answer.json().name).toBe(value)
      expect(await stage.store.get(`/services/apps/${value}`)).not.toBeNull()
      const read = await stage.ask('GET', `/v1/apps/${value}`)
      expect(read.json().name).toBe(value)
      const { apps } = (await stage.ask('GET', '/v1/apps')).json()
      const names = apps.map((app: { name: string }) => canonical(app.name))
      expect(names.filter((name: string) => name === canonical(value))).toHaveLength(1)
      expect((await stage.ask('DELETE', `/v1/apps/${value}`)).statusCode).toBe(200)
    }
  })
})

test.each(hostile('container.env'))('the variable $value is refused: $why', async ({ value }) => {
  const [name = '', ...rest] = value.split('=')
  const env = { [name]: value.includes('=') ? rest.join('=') : null }
  await refused(() => stage.ask('POST', '/v1/apps', { name: 'env', image, env }))
  await refused(() => stage.ask('POST', '/v1/apps', { name: 'env', image, env: [value] }))
})

test.each(hostile('image.ref'))(
  'the image $value: $expect',
  async ({ value, expect: expected }) => {
    const own = await openOwnRegistry()
    const post = () => own.ask('POST', '/v1/apps', { name: 'image', image: value })
    if (expected === 'accept') {
      expect((await post()).statusCode).toBe(201)
      await own.ask('DELETE', '/v1/apps/image')
      return
    }
    const before = await own.contents()
    const answer = await post()
    expect(answer.json()).toMatchObject({ status: 400, errors: [{ path: 'image' }] })
    const blueprint = { name: 'b', pattern: '^b$', app: { image: value } }
    const made = await own.ask('POST', '/v1/blueprints', blueprint)
    expect(made.json()).toMatchObject({ status: 400, errors: [{ path: 'app.image' }] })
    expect(await own.contents()).toEqual(before)
  },
)

let ownRegistry: Promise<Stage> | undefined
/** A launcher that may pull from registry.local only. */
function openOwnRegistry(): Promise<Stage> {
  ownRegistry ??= openStage({ registries: ['registry.local'] })
  return ownRegistry
}
afterAll(async () => (await ownRegistry)?.close())

describe.each(hostile('create.api'))('a body with $value', ({ value }) => {
  const headers = { 'content-type': 'application/json' }
  const send = (method: 'POST' | 'PUT', url: string, text: string) => () =>
    stage.api.inject({
      method,
      url,
      headers: { ...headers, authorization: 'Bearer a-token-for-tests-only-0123456789' },
      payload: text,
    })

  test('creates nothing, alone or within an app or a blueprint', async () => {
    await refused(send('POST', '/v1/apps', value))
    const fields = Object.keys(JSON.parse(value))
    if (fields.includes('name')) return // a name is a field of ours; such an app is only named so
    const inside = value.slice(1)
    const body = await refused(
      send('POST', '/v1/apps', `{"name":"made","image":"${image}",${inside}`),
    )
    // secure-json-parse refuses __proto__ before there are fields to name
    if (!fields.includes('__proto__')) expect(body).toContain(`"path":"${fields[0]}"`)
    await refused(send('PUT', '/v1/apps/made', `{"image":"${image}",${inside}`))
    await refused(
      send('PUT', '/v1/blueprints/made', `{"pattern":"^m$","app":{"image":"${image}",${inside}}`),
    )
    expect(({} as { HostConfig?: unknown }).HostConfig).toBeUndefined()
  })
})

test.each(hostile('log.field'))('$why: each event stays one log line', async ({ value }) => {
  stage.log.length = 0
  await stage.ask('POST', '/v1/apps', { name: value, image })
  await stage.ask('DELETE', `/v1/apps/${encodeURIComponent(value)}`)
  await stage.ask('POST', `/v1/${encodeURIComponent(value)}`)
  expect(stage.log).toHaveLength(3)
  for (const line of stage.log) {
    expect(line.indexOf('\n')).toBe(line.length - 1)
    expect(line.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f]/)
    expect(JSON.parse(line)).toMatchObject({ msg: 'api' })
    expect(line).not.toContain('owned')
  }
})
