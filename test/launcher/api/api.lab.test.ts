import { setTimeout as pause } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Pair, startPair } from './pair.ts'

const image = 'reveille-test/app:1'
/** Closes each connection after its answer: an open one counts as use, and a sleep waits for it. */
const once = new Agent({ pipelining: 0 })
let pair: Pair
beforeAll(async () => {
  pair = await startPair()
})
afterAll(() => pair?.stop())

const instances = async (app: string) =>
  (await pair.ask('GET', `/v1/instances?app=${app}`)).body.instances

/** What is different after each start of the test app. */
async function bootOf(endpoint: string): Promise<string> {
  const answer = await request(`http://${endpoint}/`, { dispatcher: once })
  return ((await answer.body.json()) as { bootId: string }).bootId
}

const container = async (app: string): Promise<string> => (await instances(app))[0].container

describe('an app', () => {
  beforeAll(async () => {
    const app = { name: 'Shop', image, stopTimeout: 2, env: { NAME: 'the-shop' } }
    expect((await pair.ask('POST', '/v1/apps', app)).status).toBe(201)
  })

  test('is woken, and shown as it is', async () => {
    const woken = await pair.ask('POST', '/v1/apps/shop/wake')
    expect(woken.body).toMatchObject({ app: 'Shop', endpoint: expect.any(String) })
    expect(await bootOf(woken.body.endpoint)).toEqual(expect.any(String))
    await expect
      .poll(() => instances('shop'))
      .toMatchObject([
        { app: 'Shop', slot: 0, host: 'box-1', state: 'ready', endpoint: woken.body.endpoint },
      ])
    const { status } = (await pair.ask('GET', '/v1/apps/shop')).body
    expect(status).toMatchObject({ state: 'ready', slots: [{ slot: 0 }] })
    const running = async () => (await pair.ask('GET', '/v1/hosts')).body.hosts[0].instances
    await expect.poll(running).toBe(1)
  })

  test('goes to sleep: stopped, not removed, and out of the list of endpoints', async () => {
    const before = await container('shop')
    expect((await pair.ask('POST', '/v1/apps/SHOP/sleep')).body).toEqual({
      app: 'Shop',
      asked: 1,
      state: 'asleep',
    })
    await expect
      .poll(() => instances('shop'))
      .toMatchObject([{ state: 'asleep', endpoint: null, container: before }])
    expect((await pair.ask('POST', '/v1/apps/shop/sleep')).body.asked).toBe(0)
  })

  test('is restarted, awake or asleep', async () => {
    for (let round = 0; round < 2; round++) {
      const { body } = await pair.ask('POST', '/v1/apps/shop/restart')
      const first = await bootOf(body.endpoint)
      const again = await pair.ask('POST', '/v1/apps/shop/restart')
      expect(again.status, again.text).toBe(200)
      expect(await bootOf(again.body.endpoint)).not.toBe(first)
      await pair.ask('POST', '/v1/apps/shop/sleep')
    }
  })

  test('sleeps only once its open requests are done', async () => {
    const { body } = await pair.ask('POST', '/v1/apps/shop/wake')
    const open = request(`http://${body.endpoint}/sleep/1500`, { dispatcher: once })
    await pause(300)
    const slept = pair.ask('POST', '/v1/apps/shop/sleep')
    expect((await open).statusCode).toBe(200)
    expect((await slept).body.state).toBe('asleep')
  })

  test('is told of when its registrar hangs, and stays as it is', async () => {
    await pair.ask('POST', '/v1/apps/shop/wake')
    pair.registrar.kill('SIGSTOP')
    try {
      const answer = await pair.ask('POST', '/v1/apps/shop/sleep')
      expect(answer.body).toMatchObject({
        status: 503,
        detail: 'the registrar of box-1 does not answer',
      })
    } finally {
      pair.registrar.kill('SIGCONT')
    }
    expect((await pair.ask('POST', '/v1/apps/shop/wake')).status).toBe(200)
  })

  test('is removed with its containers, and nothing else is', async () => {
    await pair.ask('POST', '/v1/apps', { name: 'other', image })
    await pair.ask('POST', '/v1/apps/other/wake')
    expect((await pair.ask('DELETE', '/v1/apps/shop')).body).toEqual({
      name: 'Shop',
      volumes: 0,
      containers: 1,
      unreachable: [],
    })
    expect(await instances('shop')).toEqual([])
    expect(await instances('other')).toMatchObject([{ state: 'ready' }])
    expect((await pair.ask('POST', '/v1/apps/shop/wake')).status).toBe(404)
    expect((await pair.ask('GET', '/v1/apps')).body.apps).toHaveLength(1)
    expect((await pair.ask('DELETE', '/v1/apps/other')).body.containers).toBe(1)
  })
})

test('a log can be read and followed, until the instance stops and after', async () => {
  const program = `
    console.log('first line')
    setInterval(() => console.log('\\u001b[2J tick'), 100)
    require('node:http').createServer((_, answer) => answer.end('ok')).listen(8000)`
  const app = { name: 'talker', image, command: ['node', '-e', program], stopTimeout: 1 }
  await pair.ask('POST', '/v1/apps', app)
  expect((await pair.ask('GET', '/v1/apps/talker/logs')).status).toBe(404)
  expect((await pair.ask('POST', '/v1/apps/talker/wake')).status).toBe(200)
  expect((await pair.ask('GET', '/v1/apps/talker/logs?tail=10000')).text).toMatch(/^first line\n/)
  expect((await pair.ask('GET', '/v1/apps/talker/logs?slot=7')).status).toBe(404)
  const answer = await fetch(`${pair.api}/v1/apps/talker/logs?tail=0&follow=1`, {
    headers: { authorization: `Bearer ${pair.token}` },
  })
  expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
  const reader = answer.body?.getReader()
  const chunk = await reader?.read()
  expect(Buffer.from(chunk?.value ?? '').toString()).toContain('\u001b[2J tick\n')
  const slept = pair.ask('POST', '/v1/apps/talker/sleep')
  for (let done = false; !done; ) done = (await reader?.read())?.done ?? true
  expect((await slept).body.state).toBe('asleep')
  expect((await pair.ask('GET', '/v1/apps/talker/logs?tail=1')).text).toMatch(/tick\n$/)
  await pair.ask('DELETE', '/v1/apps/talker')
})
