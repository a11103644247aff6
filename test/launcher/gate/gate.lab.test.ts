import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeOrder } from '../../../launcher/gate/order.ts'
import type { HookReply, Question } from '../../../launcher/wake/available.ts'
import type { Progress } from '../../../model/progress.ts'
import { Cluster, get, type Reply } from '../cluster.ts'

const PAGE_LOAD = {
  'x-reveille-accept': 'text/html,*/*;q=0.8',
  'x-reveille-fetch-mode': 'navigate',
}

let cluster: Cluster
let gate: Awaited<ReturnType<Cluster['launcher']>>
const asked: Question[] = []

beforeAll(async () => {
  cluster = await Cluster.open()
  const hook = {
    async ask(question: Question): Promise<HookReply> {
      asked.push(question)
      return { from: 'module', value: !question.name.startsWith('no-') }
    },
  }
  const blueprint = {
    name: 'any',
    pattern: '^no-[a-z]+$',
    app: { image: 'reveille-test/app:1' },
  }
  await cluster.store.put(cluster.keys.named('blueprint', 'any'), JSON.stringify(blueprint))
  gate = await cluster.launcher('gate', { hook, heldPerApp: 20, holdTimeout: 20, pageAfter: 300 })
})
afterAll(() => cluster.close())

async function add(name: string, env: Record<string, string> = {}): Promise<string> {
  await cluster.add({ name, env })
  await gate.settled(name)
  return name
}

function orderOf(reply: Reply) {
  return decodeOrder(reply.headers['x-reveille-page'] ?? '')
}

/** Fetches the page that an answer orders, as a gateway does. */
function page(reply: Reply, method = 'GET'): Promise<Reply> {
  return get(gate.origin, '/page', {
    'x-reveille-page': reply.headers['x-reveille-page'],
    'x-reveille-method': method,
  })
}

async function revision(): Promise<string> {
  return (await cluster.store.list('/services/')).revision
}

describe('a name that is no app', () => {
  it('gets the page 404, however it is spelled, and leaves no trace', async () => {
    const before = await revision()
    for (const name of ['nothing', '', '..', 'a b', 'x'.repeat(64), '_reveille', '%2e%2e', 'ä']) {
      const reply = await gate.wake(encodeURIComponent(name))
      expect([reply.status, reply.headers['x-reveille-page']]).toEqual([403, '404'])
    }
    expect(await revision()).toBe(before)
  })

  it('and one that no gateway leads to look the same, asleep or running', async () => {
    await cluster.add({ name: 'db', route: 'none' })
    await gate.settled('db')
    const ask = async () => {
      const { status, headers } = await gate.wake('db')
      return [status, headers['x-reveille-page']]
    }
    expect(await ask()).toEqual([403, '404'])
    expect((await get(gate.origin, '/_reveille/events/db', {})).status).toBe(404)
    await cluster.store.put(cluster.keys.endpoint('db', 0), `${cluster.address}:9000`)
    const endpoint = () => gate.catalog.endpoint('db', 0)
    await gate.catalog.when('db', endpoint, AbortSignal.timeout(5_000))
    expect(await ask()).toEqual([403, '404'])
    expect(cluster.starts.get('db')).toBeUndefined()
    await cluster.store.remove(cluster.keys.endpoint('db', 0))
  })

  it('and one the hook refuses look the same; the hook is asked once in a while', async () => {
    asked.length = 0
    const before = await revision()
    const replies = await Promise.all(
      Array.from({ length: 50 }, () => gate.wake('no-way', { 'x-reveille-method': 'POST' })),
    )
    for (const reply of replies) expect(reply.headers['x-reveille-page']).toBe('404')
    expect((await gate.wake('no-way')).headers['x-reveille-page']).toBe('404')
    expect(asked).toEqual([{ name: 'no-way', method: 'POST', uri: '/no-way/' }])
    expect(await revision()).toBe(before)
    expect(cluster.starts.size).toBe(0)
  })
})

describe('a page load', () => {
  it('gets the waiting page after a moment, whose events tell when the app is ready', async () => {
    const name = await add('slow', { START_DELAY_MS: '1200' })
    const reply = await gate.wake(name, PAGE_LOAD)
    expect(reply.status).toBe(403)
    expect(orderOf(reply)).toMatchObject({ kind: 'waiting', app: name, wantsHtml: true })

    const waiting = await page(reply)
    expect(waiting.status).toBe(503)
    expect(waiting.headers).toMatchObject({ 'retry-after': '2', 'cache-control': 'no-store' })
    expect(waiting.headers['content-security-policy']).toContain("default-src 'none'")
    expect(waiting.body).toContain('slow is waking up')
    expect((await page(reply, 'HEAD')).body).toBe('')

    const events = await get(gate.origin, `/_reveille/events/${name.toUpperCase()}`, {})
    const steps = events.body
      .split('\n\n')
      .filter((part) => part.startsWith('data: '))
      .map((part) => JSON.parse(part.slice(6)) as Progress)
    expect(steps.at(-1)).toEqual({ app: name, phase: 'ready' })
    expect((await gate.wake(name, PAGE_LOAD)).status).toBe(200)
    expect(cluster.starts.get(name)).toBe(1)
  })

  it('of an app that fails gets a page that says why; a program gets problem details', async () => {
    const name = await add('broken', { EXIT_CODE: '3', NAME: '<script>alert(1)</script>' })
    const answer = await page(await gate.wake(name, { 'x-reveille-accept': '*/*' }))
    expect(answer.status).toBe(503)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(JSON.parse(answer.body)).toMatchObject({
      type: 'urn:reveille:problem:start-failed',
      app: name,
    })
    const html = await page(await gate.wake(name, PAGE_LOAD))
    expect(html.status).toBe(503)
    expect(html.body).toContain('exited with code 3')
    expect(html.body).toContain('&lt;script&gt;alert(1)')
    expect(html.body).not.toContain('<script>alert')
  })
})

describe('where visitors are not told reasons', () => {
  it('an app that fails says only that it did; who waits for it sees no more', async () => {
    const shy = await cluster.launcher('shy', { reasons: 'short', pageAfter: 10 })
    const app = await cluster.add({ name: 'shy', env: { EXIT_CODE: '3' } })
    await shy.settled(app.name)
    const order = orderOf(await shy.wake(app.name))
    expect(order?.problem).toMatchObject({ status: 503, app: app.name })
    expect(order?.problem).not.toHaveProperty('detail')
    const { body } = await get(shy.origin, `/_reveille/events/${app.name}`, {})
    expect(body).toContain('"failed"')
    expect(body).not.toContain('exited')
  })
})

describe('a request that is no page load', () => {
  it('is held up to the hold timeout, then told what it waited for', async () => {
    const name = await add('never', { NEVER_LISTEN: '1' })
    const held = await gate.wake(name, { ...PAGE_LOAD, 'x-reveille-method': 'POST' })
    expect(orderOf(held)?.problem).toMatchObject({ status: 504, app: name })
    expect(orderOf(held)?.problem.detail).toContain('waiting for port 8000')
    expect(gate.launcher.held()).toBe(0)
  })

  it('is one of so many: more are refused at once, other apps are not', async () => {
    const name = await add('full', { START_DELAY_MS: '1500' })
    const other = await add('other')
    const replies = Array.from({ length: 30 }, () => gate.wake(name))
    const quick = await gate.wake(other)
    expect(quick.status).toBe(200)
    const all = await Promise.all(replies)
    expect(all.filter((reply) => reply.status === 200)).toHaveLength(20)
    const refused = all.filter((reply) => reply.status === 403)
    expect(refused).toHaveLength(10)
    for (const reply of refused)
      expect(orderOf(reply)?.problem).toMatchObject({
        type: 'urn:reveille:problem:overloaded',
        retryAfter: 2,
      })
  })
})

describe('events', () => {
  it('of an unknown app are 404, and to follow those of a sleeping one wakes nothing', async () => {
    expect((await get(gate.origin, '/_reveille/events/nobody', {})).status).toBe(404)
    const name = await add('asleep')
    const events = await get(gate.origin, `/_reveille/events/${name}`, {})
    expect(events.body).toContain('"phase":"failed"')
    expect(cluster.starts.get(name)).toBeUndefined()
  })
})

describe('a launcher that ends', () => {
  it('lets those who wait go at once, so that another launcher is asked', async () => {
    const name = await add('ending', { START_DELAY_MS: '2000' })
    const other = await cluster.launcher('short')
    await other.settled(name)
    const held = other.wake(name)
    await new Promise((resolve) => setTimeout(resolve, 100))
    other.launcher.end()
    const reply = await held
    expect([reply.status, reply.headers['retry-after']]).toEqual([503, '1'])
    expect((await gate.wake(name)).status).toBe(200)
  })
})
