import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { ask } from './client.ts'
import { type Cluster, startCluster } from './cluster.ts'

const image = 'reveille-test/app:1'

let cluster: Cluster
beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(async () => {
  await cluster.stop()
})

interface Status {
  state: string
  slots: unknown[]
}

async function stateOf(app: string): Promise<string> {
  const answer = await cluster.api('GET', `/v1/apps/${app}`)
  return (JSON.parse(answer.text) as { status: Status }).status.state
}

/** Waits until the app is asleep, for so many seconds at most. */
async function sleeps(app: string, seconds: number): Promise<boolean> {
  for (let i = 0; i < seconds * 5; i += 1) {
    if ((await stateOf(app)) === 'asleep') return true
    await pause(200)
  }
  return false
}

it('an app that nobody uses sleeps, and its next request wakes it', async () => {
  await cluster.add({ name: 'unused', image, idleAfter: '2s' })
  await ask(cluster.origin, '/unused/')
  expect(await stateOf('unused')).toBe('ready')
  expect(await sleeps('unused', 15)).toBe(true)
  expect((await ask(cluster.origin, '/unused/')).status).toBe(200)
}, 40_000)

it('an open WebSocket, event stream, slow answer or slow upload is use for as long as it is open', async () => {
  const names = ['socket', 'stream', 'slow', 'upload']
  for (const name of names) await cluster.add({ name, image, idleAfter: '2s' })
  // The upload meets an app that runs already: Nginx must not keep it to itself until it is complete.
  await ask(cluster.origin, '/upload/')
  const socket = new WebSocket(`${cluster.origin.replace('http', 'ws')}/socket/ws`)
  await new Promise((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  const leave = new AbortController()
  const stream = await fetch(`${cluster.origin}/stream/sse`, { signal: leave.signal })
  const slow = ask(cluster.origin, '/slow/sleep/9000')
  async function* body(): AsyncGenerator<string> {
    for (let i = 0; i < 18; i += 1) {
      yield 'a little more '
      await pause(500)
    }
  }
  const { Readable } = await import('node:stream')
  const upload = ask(cluster.origin, '/upload/upload', {
    method: 'POST',
    body: Readable.from(body()),
  })
  await pause(8000)
  for (const name of names) expect(await stateOf(name), name).toBe('ready')
  expect((await slow).status).toBe(200)
  expect((await upload).status).toBe(200)
  socket.close()
  leave.abort()
  await stream.body?.cancel().catch(() => {})
  for (const name of names) expect(await sleeps(name, 15), name).toBe(true)
}, 90_000)

it('min keeps one instance awake, and the other replicas sleep', async () => {
  await cluster.add({ name: 'pair', image, idleAfter: '2s', min: 1, replicas: 2 })
  await ask(cluster.origin, '/pair/')
  const seen = new Set<string>()
  for (let i = 0; i < 150 && seen.size < 2; i += 1) {
    seen.add(JSON.parse((await ask(cluster.origin, '/pair/')).text).host)
    await pause(100)
  }
  expect(seen.size, 'replicas share the load').toBe(2)
  const running = async (): Promise<number> => {
    const { text } = await cluster.api('GET', '/v1/apps/pair')
    return (JSON.parse(text) as { status: Status }).status.slots.length
  }
  for (let i = 0; i < 100 && (await running()) > 1; i += 1) await pause(200)
  await pause(4000)
  expect(await running()).toBe(1)
  expect((await ask(cluster.origin, '/pair/')).status).toBe(200)
}, 90_000)
