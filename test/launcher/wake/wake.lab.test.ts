import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeOrder } from '../../../launcher/gate/order.ts'
import { formatEndpoint } from '../../../model/endpoint.ts'
import type { Problem } from '../../../model/problem.ts'
import { Cluster, get, type Reply } from '../cluster.ts'

let cluster: Cluster
let one: Awaited<ReturnType<Cluster['launcher']>>
let two: Awaited<ReturnType<Cluster['launcher']>>

/** Whose network apps have that do not say: what is proved here holds in each. */
const NETWORKS = ['sandbox', 'bridge'] as const

function launchers(network: (typeof NETWORKS)[number]): void {
  beforeAll(async () => {
    cluster = await Cluster.open()
    one = await cluster.launcher('one', { network, registries: ['*', '127.0.0.1:1'] })
    two = await cluster.launcher('two', { network })
  })
  afterAll(() => cluster.close())
}

type Input = Parameters<Cluster['add']>[0]

async function add(input: Input): Promise<string> {
  await Promise.all([one.add(input), two.settled(input.name)])
  return input.name
}

function problemOf(reply: Reply): Problem | undefined {
  return decodeOrder(reply.headers['x-reveille-page'] ?? '')?.problem
}

async function container(app: string, slot = 0) {
  return await cluster.engine.inspect(`reveille-${app}-${slot}`)
}

describe.each(NETWORKS)('a wake, network %s,', (network) => {
  launchers(network)

  it('creates and starts a container and answers with where it is, whatever the case of the name', async () => {
    const name = await add({ name: 'shop' })
    const reply = await one.wake(name.toUpperCase())
    expect(reply.status).toBe(200)
    const answer = await get(`http://${reply.headers['x-reveille-upstream']}`, '/', {})
    expect(JSON.parse(answer.body)).toMatchObject({ method: 'GET' })
    await expect.poll(() => cluster.store.get(cluster.keys.claim(name, 0))).toBeNull()
    const used = () => cluster.store.get(cluster.keys.named('activity', name))
    await expect.poll(async () => Date.parse((await used())?.value ?? '')).not.toBeNaN()
  })

  it('is one start for 1,000 who ask two launchers at once', async () => {
    const name = await add({ name: 'herd' })
    const asked = Array.from({ length: 1000 }, (_, i) => (i % 2 ? one : two).wake(name))
    const replies = await Promise.all(asked)
    expect(replies.filter((reply) => reply.status === 200)).toHaveLength(1000)
    expect(new Set(replies.map((reply) => reply.headers['x-reveille-upstream'])).size).toBe(1)
    expect(cluster.starts.get(name)).toBe(1)
  })

  it('starts the stopped container again, and makes a new one when the App is another', async () => {
    const name = await add({ name: 'again' })
    await one.wake(name)
    const first = await container(name)
    await one.sleep(name)
    await pause(1_100)
    expect((await one.wake(name)).status).toBe(200)
    expect((await container(name))?.id).toBe(first?.id)
    await one.sleep(name)
    await add({ name, env: { GREETING: 'hello' } })
    await one.catalog.when(
      name,
      () => (one.catalog.find(name)?.env.GREETING ? true : null),
      AbortSignal.timeout(5_000),
    )
    await pause(2_100)
    expect((await one.wake(name)).status).toBe(200)
    expect((await container(name))?.id).not.toBe(first?.id)
  })

  it('says with which code an app exited and what it wrote last, then backs off', async () => {
    const name = await add({ name: 'crash', env: { EXIT_CODE: '7' } })
    const problem = problemOf(await one.wake(name))
    expect(problem).toMatchObject({ status: 503, app: name, retryAfter: 1 })
    expect(problem?.detail).toMatch(/^exited with code 7\n.*asked to exit with 7/)
    const next = problemOf(await one.wake(name))
    expect(next?.type).toBe('urn:reveille:problem:backing-off')
    expect(next?.detail).toMatch(/^exited with code 7/)
    expect(cluster.starts.get(name)).toBe(1)
    await pause(1_100)
    expect(problemOf(await one.wake(name))).toMatchObject({ retryAfter: 2 })
    expect(cluster.starts.get(name)).toBe(2)
    await expect.poll(() => cluster.store.get(cluster.keys.claim(name, 0))).toBeNull()
  })

  it('says that an image cannot be had, and pulls from no registry that is not allowed', async () => {
    const unreachable = await add({ name: 'missing', image: '127.0.0.1:1/nothing:1' })
    const problem = problemOf(await one.wake(unreachable))
    expect(problem?.status).toBe(503)
    expect(problem?.detail).toContain('connection refused')
    const denied = await add({ name: 'denied', image: 'localhost:1/nothing:1' })
    expect(problemOf(await one.wake(denied))?.detail).toContain('not an allowed registry')
  })

  it('gives up on an app that never listens, with 504, and stops it', async () => {
    const name = await add({
      name: 'mute',
      env: { NEVER_LISTEN: '1' },
      startTimeout: 2,
      stopTimeout: 1,
    })
    const problem = problemOf(await one.wake(name))
    expect(problem).toMatchObject({ status: 504, type: 'urn:reveille:problem:not-ready' })
    expect(problem?.detail).toContain('within 2 s')
    for (let i = 0; (await container(name))?.state === 'running' && i < 100; i++) await pause(100)
    expect((await container(name))?.state).toBe('exited')
  })

  it('of an app that was slow because etcd was away stops nothing and blames nobody', async () => {
    const env = { START_DELAY_MS: '300' }
    const name = await add({ name: 'orphan', env, startTimeout: 20 })
    cluster.unregistered.add(name)
    const asked = one.wake(name)
    await expect
      .poll(async () => (await container(name))?.state, { timeout: 5_000 })
      .toBe('running')
    await cluster.etcd.pause()
    const problem = problemOf(await asked)
    await cluster.etcd.resume()
    expect(problem).toMatchObject({ type: 'urn:reveille:problem:unavailable', app: name })
    expect(problem?.detail).toBe('etcd was away')
    expect((await container(name))?.state).toBe('running')
    await expect.poll(() => one.session.valid(), { timeout: 15_000 }).toBe(true)
  }, 60_000)

  it('goes on when the client that asked has left', async () => {
    const name = await add({ name: 'left', env: { START_DELAY_MS: '700' } })
    const leaving = new AbortController()
    const asked = one.wake(name, {}, leaving.signal)
    asked.catch(() => {})
    const stays = one.wake(name)
    await pause(200)
    leaving.abort()
    await expect(asked).rejects.toThrow()
    expect((await stays).status).toBe(200)
    expect(one.launcher.held()).toBe(0)
  })

  it('only waits for a container that runs already', async () => {
    const name = await add({ name: 'running' })
    await one.wake(name)
    await cluster.store.remove(cluster.keys.endpoint(name, 0))
    await one.catalog.when(
      name,
      () => (one.catalog.endpoint(name, 0) ? null : true),
      AbortSignal.timeout(5_000),
    )
    const asked = two.wake(name)
    await pause(300)
    const port = (await container(name))?.published['8000']?.port
    const endpoint = formatEndpoint({ host: cluster.address, port: port as number })
    await cluster.store.put(cluster.keys.endpoint(name, 0), endpoint)
    expect((await asked).headers['x-reveille-upstream']).toBe(endpoint)
    expect(cluster.starts.get(name)).toBe(1)
  })

  it('takes back a sleep that is still draining, and waits for one that is not', async () => {
    const name = await add({ name: 'tired' })
    await one.wake(name)
    const key = cluster.keys.claim(name, 0)
    const endpoint = await cluster.store.get(cluster.keys.endpoint(name, 0))
    const claim = (phase: string) =>
      JSON.stringify({ owner: 'host/1', action: 'sleep', phase, since: new Date().toISOString() })
    await cluster.store.put(key, claim('draining'))
    await cluster.store.remove(cluster.keys.endpoint(name, 0))
    await one.catalog.when(
      name,
      () => (one.catalog.claim(name, 0) && !one.catalog.endpoint(name, 0) ? true : null),
      AbortSignal.timeout(5_000),
    )
    const asked = one.wake(name)
    let taken = await cluster.store.get(key)
    for (let i = 0; taken?.value.includes('sleep') && i < 100; i++) {
      await pause(20)
      taken = await cluster.store.get(key)
    }
    expect(JSON.parse(taken?.value ?? '{}')).toMatchObject({ action: 'wake' })
    await cluster.store.put(cluster.keys.endpoint(name, 0), endpoint?.value as string)
    expect((await asked).status).toBe(200)

    await one.catalog.when(
      name,
      () => (one.catalog.claim(name, 0) ? null : true),
      AbortSignal.timeout(5_000),
    )
    await cluster.store.put(key, claim('stopping'))
    await cluster.store.remove(cluster.keys.endpoint(name, 0))
    await one.catalog.when(
      name,
      () => (one.catalog.claim(name, 0) && !one.catalog.endpoint(name, 0) ? true : null),
      AbortSignal.timeout(5_000),
    )
    const waits = one.wake(name)
    await pause(300)
    expect(JSON.parse((await cluster.store.get(key))?.value ?? '{}').action).toBe('sleep')
    await cluster.engine.stop(`reveille-${name}-0`, 1)
    await cluster.store.remove(key)
    expect((await waits).status).toBe(200)
    expect(cluster.starts.get(name)).toBe(2)
  })

  it('does not send anybody to an Endpoint that does not answer', async () => {
    const name = await add({ name: 'stale' })
    const key = cluster.keys.endpoint(name, 0)
    const dead = formatEndpoint({ host: cluster.address, port: 1 })
    await cluster.store.put(key, dead)
    await one.catalog.when(name, () => one.catalog.endpoint(name, 0), AbortSignal.timeout(5_000))
    const asked = one.wake(name, { 'x-reveille-dead': dead })
    await pause(200)
    expect(cluster.starts.get(name)).toBeUndefined()
    await cluster.store.remove(key)
    const reply = await asked
    expect(reply.status).toBe(200)
    expect(reply.headers['x-reveille-upstream']).not.toBe(dead)
  })
})

describe.each(NETWORKS)('replicas, network %s,', (network) => {
  launchers(network)

  it('are all started once the first is used', async () => {
    const name = await add({ name: 'many', replicas: 3 })
    expect((await one.wake(name)).status).toBe(200)
    const all = () => (one.catalog.state.slots(name).size === 3 ? true : null)
    await one.catalog.when(name, all, AbortSignal.timeout(15_000))
    expect(cluster.starts.get(name)).toBe(3)
  })

  it('below min that fit nowhere are tried now and then, and not in a loop', async () => {
    const name = await add({ name: 'big', min: 1, limits: { memory: '64g' } })
    const claims = async () => {
      let seen = 0
      const stop = one.catalog.onChange((batch) => {
        for (const change of batch)
          if (change.type === 'put' && change.entry.key === cluster.keys.claim(name, 0)) seen++
      })
      await pause(2_000)
      stop()
      return seen
    }
    expect(await claims()).toBeLessThanOrEqual(4)
    await cluster.store.remove(cluster.keys.named('app', name))
  })

  it('below min run without anybody asking, and again when one ends', async () => {
    const name = await add({ name: 'always', min: 1 })
    const there = () => one.catalog.endpoint(name, 0)
    const first = await one.catalog.when(name, there, AbortSignal.timeout(15_000))
    await one.sleep(name)
    const second = await one.catalog.when(name, there, AbortSignal.timeout(15_000))
    expect(cluster.starts.get(name)).toBe(2)
    // Only what a sandbox keeps is where it was.
    if (network === 'sandbox') expect(second).toEqual(first)
  })
})
