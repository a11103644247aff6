import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Docker from 'dockerode'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { hashPassword } from '../../adapters/password.ts'
import { writeUsers } from '../../adapters/user-file.ts'
import { networksOf } from '../lab/containers.ts'
import { labEngine } from '../lab/engine.ts'
import { temporaryFolder } from '../lab/folder.ts'
import { freePort } from '../lab/port.ts'
import { ask } from './client.ts'
import { type Cluster, startCluster } from './cluster.ts'

const docker = new Docker({ socketPath: labEngine().url.slice('unix://'.length) })
const password = 'a-password-for-tests'

let cluster: Cluster
let spawner: string
let token: string
beforeAll(async () => {
  const script = join(import.meta.dirname, '../../examples/direct-routing/images.sh')
  await promisify(execFile)('bash', [script, labEngine().url])
  const folder = await temporaryFolder()
  await mkdir(folder, { recursive: true })
  const users = join(folder, 'users')
  await writeUsers(users, new Map([['home', await hashPassword(password)]]))
  const listen = `127.0.0.1:${await freePort()}`
  spawner = `http://${listen}`
  cluster = await startCluster([
    ...['--spawner', listen, '--spawner-users', users],
    ...['--services', 'apart'],
  ])
  const login = await post('/login', { username: 'home', password })
  token = (JSON.parse(login.text) as { token: string }).token
})
afterAll(async () => {
  await cluster.stop()
})

const post = (path: string, body: object) => call('POST', path, body)
const call = (method: string, path: string, body?: object) =>
  ask(spawner, path, {
    method,
    headers: { token: token ?? '', 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })
const minion = (name: string, more: object = {}) => ({
  ...{ name, network: 'traefiknet', image: 'mock-app:latest' },
  labels: { healthcheck: `http://${name}:9000/status`, 'traefik.enable': 'true' },
  envs: { CONNSTR: `db of ${name}`, IDLE: '1m' },
  ...more,
})
const inspect = (name: string) => docker.getContainer(`reveille-${name}-0`).inspect()
const containers = async (): Promise<string[]> =>
  (await docker.listContainers({ all: true })).flatMap(({ Names }) => Names).sort()

it('what it makes runs, is reached when it says so, and is as narrow as any app', async () => {
  const made = await post('/deploy/', minion('minion-1'))
  expect(made.status, made.text).toBe(201)
  expect(JSON.parse(made.text)).toMatchObject({ status: 'running', ignored: ['traefik.enable'] })
  const answer = await ask(cluster.origin, '/minion-1/')
  expect(JSON.parse(answer.text)).toMatchObject({
    ...{ instance: 'minion-1', connected: 'db of minion-1', at: '/minion-1' },
  })
  const { Config, HostConfig, Mounts } = await inspect('minion-1')
  expect(Config.Labels).toMatchObject({ origin: 'spawner', 'reveille.app': 'minion-1' })
  expect(HostConfig).toMatchObject({ Binds: null, Privileged: false, CapAdd: null, PidMode: '' })
  expect(HostConfig.SecurityOpt).toEqual(['no-new-privileges'])
  expect(Mounts).toEqual([])
  expect(await networksOf(docker, 'reveille-minion-1-0')).toEqual(['reveille-spawner-traefiknet'])
}, 60_000)

it('a HEALTHCHECK of the image is before the label', async () => {
  const wrong = { healthcheck: 'http://checked:9000/there-is-no-such-page' }
  const body = minion('checked', { image: 'mock-app:checked', labels: wrong })
  expect((await post('/deploy', body)).status).toBe(201)
}, 60_000)

it('an image that is not there, or a name that is taken, is said, and nothing is left', async () => {
  await cluster.add({ name: 'operators', image: 'reveille-test/app:1' })
  const before = await containers()
  const lacking = await post('/deploy', minion('lacking', { image: 'no-such-image:1' }))
  expect(lacking.status).toBe(503)
  expect(JSON.parse(lacking.text).detail).toContain('no-such-image:1')
  expect((await cluster.api('GET', '/v1/apps/lacking')).status).toBe(404)
  expect((await post('/deploy', minion('operators'))).status).toBe(409)
  expect((await call('DELETE', '/deploy/operators')).status).toBe(404)
  expect(await containers()).toEqual(before)
  expect((await cluster.api('GET', '/v1/apps/operators')).status).toBe(200)
}, 60_000)

it('what no gateway leads to is stopped and reported, and started once one does', async () => {
  await cluster.api('POST', '/v1/apps/minion-1/sleep')
  const [controller] = cluster.pids('controller/main.js')
  process.kill(controller ?? 0, 'SIGSTOP')
  try {
    const late = await call('PUT', '/deploy/minion-1')
    expect(late.status, late.text).toBe(504)
    expect(JSON.parse(late.text).detail).toContain('no gateway leads to it')
    expect((await inspect('minion-1')).State.Running).toBe(false)
  } finally {
    process.kill(controller ?? 0, 'SIGCONT')
  }
  await expect
    .poll(async () => (await call('PUT', '/deploy/minion-1')).status, { timeout: 40_000 })
    .toBe(200)
  expect((await ask(cluster.origin, '/minion-1/')).status).toBe(200)
}, 120_000)

it('what never gets healthy is stopped and reported within its time, and starts once it does', async () => {
  const made = await post('/deploy', {
    ...{ name: 'sick', image: 'reveille-test/app:1' },
    labels: { healthcheck: 'http://sick:8000/health' },
  })
  expect(made.status, made.text).toBe(201)
  const { id } = JSON.parse(made.text) as { id: string }
  await cluster.api('POST', '/v1/apps/sick/sleep')
  const change = (delay: string, startTimeout: string) =>
    cluster.api('PUT', '/v1/apps/sick', {
      ...{ image: 'reveille-test/app:1', health: { type: 'auto', path: '/health' } },
      ...{ origin: 'spawner', env: { HEALTH_DELAY_MS: delay }, startTimeout },
    })
  // It listens, and says for an hour that it is not well.
  const changed = await change('3600000', '4s')
  expect(changed.status, changed.text).toBe(200)
  const late = await call('PUT', `/deploy/${id}`)
  expect(late.status, late.text).toBe(504)
  expect(JSON.parse(late.text).detail).toBe(
    'it runs but did not answer /health on port 8000 within 4 s',
  )
  await expect.poll(async () => (await inspect('sick')).State.Running).toBe(false)
  const listed = async () => {
    const { instances } = JSON.parse((await call('GET', '/deploy/')).text) as {
      instances: { name: string; status: string; address: string | null }[]
    }
    return instances.find(({ name }) => name === 'sick')
  }
  // Until it is cleared away it is said to start.
  await expect.poll(listed).toMatchObject({ status: 'exited', address: null })
  await change('0', '60s')
  await expect
    .poll(async () => (await call('PUT', `/deploy/${id}`)).status, { timeout: 40_000 })
    .toBe(200)
  expect((await ask(cluster.origin, '/sick/')).status).toBe(200)
}, 120_000)

it('what it removes is gone, and nothing else', async () => {
  for (const name of ['minion-1', 'checked', 'sick']) {
    const gone = await call('DELETE', `/deploy/${name}`)
    expect(JSON.parse(gone.text)).toMatchObject({ result: 'ok', name })
  }
  const left = (await containers()).filter((name) => name.startsWith('/reveille-'))
  expect(left).toEqual([])
  expect(JSON.parse((await call('GET', '/deploy/')).text)).toEqual({ instances: [] })
  expect((await ask(cluster.origin, '/minion-1/')).status).toBe(404)
}, 60_000)
