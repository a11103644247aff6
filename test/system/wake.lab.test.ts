import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { labEngine } from '../lab/engine.ts'
import { ask, sha1 } from './client.ts'
import { type Cluster, startCluster } from './cluster.ts'
import { countStarts } from './starts.ts'

/** The first request to a sleeping app, by every kind of client, through the whole of Reveille. */
describe('the first request', () => {
  let cluster: Cluster
  let count = 0

  /** A new app that has never run; its first start creates the container. */
  async function cold(env: Record<string, string> = {}): Promise<string> {
    count += 1
    const name = `cold-${count}`
    await cluster.add({
      name,
      image: 'reveille-test/app:1',
      env: { NAME: name, ...env },
      startTimeout: '20s',
    })
    return name
  }

  beforeAll(async () => {
    cluster = await startCluster()
  })
  afterAll(async () => {
    await cluster.stop()
  })

  it('is answered by the app, with path and query as they came and the prefix stripped', async () => {
    const name = await cold()
    const answer = await ask(cluster.origin, `/${name}/a%2Fb/c%20d?x=%26%2F+y&z`, {
      headers: { 'x-mine': 'kept' },
    })
    const seen = JSON.parse(answer.text)
    expect(answer.status).toBe(200)
    expect(seen).toMatchObject({ app: name, method: 'GET', url: '/a%2Fb/c%20d?x=%26%2F+y&z' })
    expect(seen.headers).toMatchObject({
      'x-mine': 'kept',
      'x-forwarded-prefix': `/${name}`,
      'x-forwarded-proto': 'http',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': new URL(cluster.origin).host,
    })
  })

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND'])(
    'may be a %s with a body',
    async (method) => {
      const name = await cold()
      const body = randomBytes(1024)
      const answer = await ask(cluster.origin, `/${name}/upload`, { method, body })
      expect(answer.status).toBe(200)
      expect(JSON.parse(answer.text)).toMatchObject({ app: name, method, bodySha1: sha1(body) })
    },
  )

  it('may be a HEAD', async () => {
    const name = await cold()
    const answer = await ask(cluster.origin, `/${name}/`, { method: 'HEAD' })
    expect(answer.status).toBe(200)
    expect(answer.text).toBe('')
  })

  it('may carry 50 MB', async () => {
    const name = await cold()
    const body = randomBytes(50 * 1024 ** 2)
    const answer = await ask(cluster.origin, `/${name}/upload`, { method: 'POST', body })
    expect(JSON.parse(answer.text)).toMatchObject({ bodyBytes: body.length, bodySha1: sha1(body) })
  })

  it('may carry 50 MB in chunks, and the app sees chunks', async () => {
    const name = await cold()
    const body = randomBytes(50 * 1024 ** 2)
    const pieces = Array.from({ length: 800 }, (_, i) =>
      body.subarray(i * 65_536, (i + 1) * 65_536),
    )
    const answer = await ask(cluster.origin, `/${name}/upload`, {
      method: 'POST',
      body: Readable.from(pieces),
    })
    const seen = JSON.parse(answer.text)
    expect(seen).toMatchObject({ bodyBytes: body.length, bodySha1: sha1(body) })
    expect(seen.headers['transfer-encoding']).toBe('chunked')
  })

  it('may be a WebSocket', async () => {
    const name = await cold()
    const socket = new WebSocket(`${cluster.origin.replace('http', 'ws')}/${name}/ws`)
    const echo = await new Promise<string>((resolve, reject) => {
      socket.once('open', () => socket.send('ping me'))
      socket.once('message', (data) => resolve(String(data)))
      socket.once('error', reject)
    })
    socket.close()
    expect(echo).toContain('ping me')
  })

  it('may be an event stream, whose events come one by one', async () => {
    const name = await cold()
    const response = await fetch(`${cluster.origin}/${name}/sse`, {
      headers: { accept: 'text/event-stream' },
    })
    const reader = response.body?.getReader()
    const first = await reader?.read()
    await reader?.cancel()
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    expect(Buffer.from(first?.value ?? []).toString()).toContain('data:')
  })

  it('without the last slash is sent to the app with it', async () => {
    const name = await cold()
    const answer = await ask(cluster.origin, `/${name}?x=1`)
    expect([301, 302, 307, 308]).toContain(answer.status)
    expect(answer.headers.location).toBe(`/${name}/?x=1`)
  })

  it('of a browser that waits longer than a moment gets the page, whose stream says ready', async () => {
    const name = await cold({ START_DELAY_MS: '6000' })
    const page = await ask(cluster.origin, `/${name}/deep?x=1`, {
      headers: { accept: 'text/html,*/*;q=0.8', 'sec-fetch-mode': 'navigate' },
    })
    expect(page.status).toBe(503)
    expect(Number(page.headers['retry-after'])).toBeGreaterThan(0)
    expect(page.headers['cache-control']).toContain('no-store')
    expect(page.headers['content-security-policy']).not.toContain('unsafe-inline')
    expect(page.text).toContain('http-equiv="refresh"')
    const events = await ask(cluster.origin, `/_reveille/events/${name}`)
    expect(events.text).toContain('"ready"')
    const again = await ask(cluster.origin, `/${name}/deep?x=1`, {
      headers: { accept: 'text/html' },
    })
    expect(again.status).toBe(200)
  })

  it('of an app that exits says with which code and what it logged', async () => {
    const name = await cold({ EXIT_CODE: '3' })
    const answer = await ask(cluster.origin, `/${name}/`)
    expect(answer.status).toBe(503)
    expect(answer.headers['retry-after']).toBeDefined()
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(JSON.parse(answer.text).detail).toMatch(/exited with code 3/)
  })

  it('of an app whose image is nowhere says so', async () => {
    await cluster.add({ name: 'no-image', image: 'reveille-test/missing:9' })
    const answer = await ask(cluster.origin, '/no-image/')
    expect(answer.status).toBe(503)
    expect(JSON.parse(answer.text).detail).toMatch(/reveille-test\/missing:9/)
  })

  it('for a name that nobody knows is a 404, starts nothing and writes nothing', async () => {
    const etcd = new Etcd3({ hosts: cluster.etcd.url })
    const keys = async (): Promise<string[]> => etcd.getAll().prefix('/services/').keys()
    const starts = await countStarts(labEngine().url, 'nobody-knows-me')
    for (let i = 0; i < 20; i += 1) {
      const answer = await ask(cluster.origin, i === 0 ? '/nobody-knows-me/' : `/nobody-${i}/x`)
      expect(answer.status).toBe(404)
    }
    expect(await starts.stop()).toBe(0)
    expect((await keys()).filter((key) => key.includes('nobody'))).toEqual([])
    etcd.close()
  })

  it("keeps the app's own errors as they are", async () => {
    const name = await cold()
    for (const status of [401, 403, 404, 500, 502, 503, 504])
      expect((await ask(cluster.origin, `/${name}/status/${status}`)).status).toBe(status)
  })

  it('of one client that leaves does not cancel the wake of another', async () => {
    const name = await cold({ START_DELAY_MS: '1500' })
    const leaver = ask(cluster.origin, `/${name}/`, { timeout: 400 })
    const stayer = ask(cluster.origin, `/${name}/`)
    await expect(leaver).rejects.toThrow()
    expect((await stayer).status).toBe(200)
  })

  it('is seen in the metrics: its phases, its result, and failures by reason', async () => {
    const name = await cold()
    await ask(cluster.origin, `/${name}/`)
    const bad = await cold({ EXIT_CODE: '9' })
    await ask(cluster.origin, `/${bad}/`)
    const text = await cluster.metrics()
    /** The sum of a metric's samples that carry `label`. */
    const value = (metric: string, label = ''): number =>
      text
        .split('\n')
        .filter((line) => line.startsWith(`${metric}{`) && line.includes(label))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
    const ours = ['queue', 'create', 'promise', 'start', 'wait', 'answered']
    for (const phase of [...ours, 'ready', 'registered'])
      expect(value('reveille_wake_phase_seconds_count', `phase="${phase}"`), phase).toBeGreaterThan(
        0,
      )
    for (const [metric, label] of [
      ['reveille_wakes_total', 'result="ready"'],
      ['reveille_wakes_total', 'result="start-failed"'],
      ['reveille_wake_requests_total', 'answer="upstream"'],
      ['reveille_wake_requests_total', 'answer="unknown"'],
      ['reveille_gateway_reloads_total', 'result="live"'],
      ['reveille_gateway_applied_revision', ''],
      ['reveille_instances', 'state="ready"'],
      ['reveille_registrations_total', 'change="registered"'],
      ['reveille_engine_up', ''],
    ] as const)
      expect(value(metric, label), `${metric} ${label}`).toBeGreaterThan(0)
    expect(value('reveille_held_requests')).toBe(0)
    expect(value('reveille_gateway_rejected_entries')).toBe(0)
  })
})
