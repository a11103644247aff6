import { setTimeout as delay } from 'node:timers/promises'
import Docker from 'dockerode'
import { afterAll, beforeAll, expect, it } from 'vitest'
import WebSocket from 'ws'
import { labEngine } from './engine.ts'
import { APP_IMAGE, HEALTH_IMAGE, HELLO_IMAGE } from './image.ts'

const { url, address } = labEngine()
const docker = new Docker({ socketPath: url.slice('unix://'.length) })
const containers: Docker.Container[] = []

/** Starts a container and gives the `host:port` it is published at. */
async function start(image: string, ...env: string[]): Promise<string> {
  const container = await docker.createContainer({
    Image: image,
    Env: env,
    ExposedPorts: { '8000/tcp': {} },
    HostConfig: { Init: true, PortBindings: { '8000/tcp': [{ HostPort: '' }] } },
  })
  containers.push(container)
  await container.start()
  const { NetworkSettings } = await container.inspect()
  const port = NetworkSettings.Ports['8000/tcp']?.[0]?.HostPort
  const origin = `${address}:${port}`
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await fetch(`http://${origin}/`).catch(() => null)) return origin
    await delay(20)
  }
  throw new Error(`${image} does not answer at ${origin}`)
}

let app: string
beforeAll(async () => {
  app = await start(APP_IMAGE, 'NAME=A')
})
afterAll(() => Promise.all(containers.map((container) => container.remove({ force: true }))))

it('answers from a published port at the address of the lab', async () => {
  const answer = await fetch(`http://${app}/some/path?q=%2F`, { method: 'POST', body: 'abc' })
  expect(await answer.json()).toMatchObject({
    app: 'A',
    method: 'POST',
    url: '/some/path?q=%2F',
    bodyBytes: 3,
    bodySha1: 'a9993e364706816aba3e25717850c26c9cd0d89d',
  })
})

it('serves the tiny image', async () => {
  const origin = await start(HELLO_IMAGE)
  expect(await (await fetch(`http://${origin}/`)).text()).toBe('hello\n')
})

it('reports the health the image asks for', async () => {
  await start(HEALTH_IMAGE)
  const container = containers.at(-1) as Docker.Container
  const status = async () => (await container.inspect()).State.Health?.Status
  await expect.poll(status, { timeout: 10_000 }).toBe('healthy')
})

it('echoes over a WebSocket, short and long', async () => {
  const socket = new WebSocket(`ws://${app}/ws`)
  for (const text of ['short', 'x'.repeat(200), 'y'.repeat(70_000)]) {
    const echoed = new Promise((resolve, reject) => {
      socket.once('message', (data: Buffer) => resolve(data.toString()))
      socket.once('error', reject)
    })
    if (socket.readyState === WebSocket.CONNECTING) socket.once('open', () => socket.send(text))
    else socket.send(text)
    expect(await echoed).toBe(text)
  }
  socket.close()
})

it('misbehaves when asked to', async () => {
  const get = (path: string) => fetch(`http://${app}${path}`, { redirect: 'manual' })
  expect((await get('/status/418')).status).toBe(418)
  expect((await get('/redirect?to=/b')).headers.get('location')).toBe('/b')
  expect((await get('/cookie?set=a%3D1%3B%20Path%3D%2Fx')).headers.get('set-cookie')).toBe(
    'a=1; Path=/x',
  )
  const header = await get('/header?name=X-Accel-Redirect&value=/secret')
  expect(header.headers.get('x-accel-redirect')).toBe('/secret')
  expect(await (await get('/sse?count=2&ms=1')).text()).toBe('data: tick 0\n\ndata: tick 1\n\n')
  expect((await (await get('/slow-download?count=3&ms=1')).text()).length).toBe(3 * 1024)
})

it('exits with the code and the words it was told', async () => {
  const container = await docker.createContainer({ Image: APP_IMAGE, Env: ['EXIT_CODE=7'] })
  containers.push(container)
  await container.start()
  expect(await container.wait()).toMatchObject({ StatusCode: 7 })
  const words = await container.logs({ stderr: true, stdout: true })
  expect(words.toString()).toContain('asked to exit with 7')
})
