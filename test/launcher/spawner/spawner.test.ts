import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type Desk, openDesk } from './desk.ts'

let desk: Desk
beforeAll(async () => {
  desk = await openDesk()
})
afterAll(() => desk.close())

const order = {
  name: 'minion-1',
  network: 'traefiknet',
  image: 'mock-app:latest',
  labels: {
    healthcheck: 'http://minion-1:9000/status',
    'traefik.enable': 'true',
    'traefik.http.routers.minion-1.rule': 'PathPrefix("/minion-1")',
  },
  envs: { CONNSTR: 'db 1', IDLE: '1m' },
}

it('makes an app of what the original is sent, starts it, and says which labels say nothing', async () => {
  const made = await desk.ask('POST', '/deploy/', order)
  expect(made.statusCode, made.body).toBe(201)
  expect(made.json()).toMatchObject({
    id: expect.stringMatching(/^[0-9a-f]{64}$/),
    ...{ name: 'minion-1', status: 'running', route: '/', cookie: 'instance=minion-1' },
    ignored: ['traefik.enable', 'traefik.http.routers.minion-1.rule'],
  })
  expect(desk.woken).toEqual(['minion-1'])
  expect((await desk.stage.ask('GET', '/v1/apps/minion-1')).json()).toMatchObject({
    ...{ image: 'mock-app:latest', port: 9000, env: order.envs, origin: 'spawner' },
    ...{ health: { type: 'auto', path: '/status' }, group: 'spawner-traefiknet' },
  })
})

it('lists what it made, and nothing else', async () => {
  await desk.stage.ask('POST', '/v1/apps', { name: 'operators', image: 'shop:1' })
  const listed = await desk.ask('GET', '/deploy/')
  expect(listed.json().instances).toMatchObject([{ name: 'minion-1', image: 'mock-app:latest' }])
  expect((await desk.ask('GET', '/deploy')).json()).toEqual(listed.json())
})

it('starts by name and by id', async () => {
  const [{ id }] = (await desk.ask('GET', '/deploy/')).json().instances
  for (const which of ['minion-1', 'MINION-1', id]) {
    const started = await desk.ask('PUT', `/deploy/${which}`)
    expect(started.statusCode, started.body).toBe(200)
    expect(started.json()).toMatchObject({ id, status: 'running' })
  }
})

it('neither sees nor touches what others made: no App, no blueprint, no endpoint', async () => {
  const blueprint = { name: 'shops', pattern: '^shop-[a-z]+$', app: { image: 'shop:1' } }
  expect((await desk.stage.ask('POST', '/v1/blueprints', blueprint)).statusCode).toBe(201)
  await desk.stage.store.put('/services/clusters/sidekick', '10.9.0.7:8000')
  // of which no server answers at the moment
  await desk.stage.store.put('/services/pools/Static', '{"name":"Static","routes":["/"]}')
  await vi.waitUntil(() => desk.stage.catalog.state.pools.size > 0, 10_000)
  const before = await desk.stage.contents()
  for (const name of ['operators', 'OPERATORS', 'shop-a', 'sidekick', 'nothing', 'f'.repeat(64)])
    for (const method of ['PUT', 'DELETE'] as const) {
      const answer = await desk.ask(method, `/deploy/${name}`)
      expect([answer.statusCode, answer.json().type], name).toEqual([
        404,
        'urn:reveille:problem:unknown-app',
      ])
    }
  const others = ['operators', 'Operators', 'shop-a', 'sidekick', 'static', 'minion-1', 'Minion-1']
  for (const name of others) {
    const taken = await desk.ask('POST', '/deploy/', { name, image: 'mine:1' })
    expect([taken.statusCode, taken.json().detail]).toEqual([409, `the name ${name} is taken`])
  }
  expect(await desk.stage.contents()).toEqual(before)
})

it('leaves nothing of what does not start', async () => {
  const failing = await openDesk({
    control: {
      wake: async () => {
        const { ProblemError } = await import('../../../model/problem.ts')
        throw new ProblemError('start-failed', { detail: 'image not found: no such image' })
      },
    },
  })
  try {
    const before = await failing.stage.contents()
    const answer = await failing.ask('POST', '/deploy/', order)
    expect([answer.statusCode, answer.json().detail]).toEqual([
      503,
      'image not found: no such image',
    ])
    expect(await failing.stage.contents()).toEqual(before)
  } finally {
    await failing.close()
  }
})

it.each([
  [{ network: 'host' }, 'network'],
  [{ network: 'none' }, 'network'],
  [{ network: 'container:etcd' }, 'network'],
  [{ network: '../x' }, 'network'],
  [{ labels: { healthcheck: 'http://169.254.169.254/latest' } }, 'labels.healthcheck'],
  [{ labels: { healthcheck: 'http://other:9000/' } }, 'labels.healthcheck'],
  [{ labels: { healthcheck: 'https://made:9000/' } }, 'labels.healthcheck'],
  [{ labels: { healthcheck: 'http://made:9000//evil' } }, 'labels.healthcheck'],
  [{ labels: { healthcheck: 'http://made:99999/' } }, 'port'],
  [{ labels: { origin: 'me' } }, 'labels.origin'],
  [{ labels: { 'reveille.app': 'operators' } }, 'labels.reveille.app'],
  [{ labels: { 'traefik.http.services.x.loadbalancer.server.port': '-1' } }, 'labels.traefik'],
  [{ command: ['sh'] }, 'command'],
  [{ volumes: ['data:/data'] }, 'volumes'],
])('refuses %j by name', async (wrong, path) => {
  const before = await desk.stage.contents()
  const answer = await desk.ask('POST', '/deploy/', { name: 'made', image: 'x:1', ...wrong })
  expect(answer.statusCode, answer.body).toBe(400)
  expect(answer.body).toContain(`"path":"${path}`)
  expect(await desk.stage.contents()).toEqual(before)
})

it('takes the bridge for no network of its own, and a port without a check', async () => {
  // as Traefik itself, it does not care about case
  const port = { 'traefik.http.services.m.loadBalancer.server.port': '9000' }
  const body = { name: 'plain', image: 'x:1', network: 'bridge', labels: port }
  expect((await desk.ask('POST', '/deploy', body)).statusCode).toBe(201)
  const app = (await desk.stage.ask('GET', '/v1/apps/plain')).json()
  expect(app).toMatchObject({ port: 9000, health: { type: 'auto' } })
  expect(app.group).toBeUndefined()
})

it('has so many networks and no more', async () => {
  for (let index = 1; index < 16; index++) {
    const body = { name: `n-${index}`, image: 'x:1', network: `net-${index}` }
    expect((await desk.ask('POST', '/deploy', body)).statusCode, `${index}`).toBe(201)
  }
  const more = await desk.ask('POST', '/deploy', { name: 'more', image: 'x:1', network: 'more' })
  expect([more.statusCode, more.json().errors[0].path]).toEqual([400, 'network'])
  const same = { name: 'same', image: 'x:1', network: 'net-1' }
  expect((await desk.ask('POST', '/deploy', same)).statusCode).toBe(201)
})

it('a token, and what was made, are good at another launcher', async () => {
  const { spawner: other } = await desk.stage.second()
  const headers = { authorization: `Bearer ${desk.token}` }
  const listed = await other?.inject({ method: 'GET', url: '/deploy/', headers })
  expect(listed?.json().instances.map(({ name }: { name: string }) => name)).toContain('minion-1')
  const started = await other?.inject({ method: 'PUT', url: '/deploy/minion-1', headers })
  expect(started?.statusCode, started?.body).toBe(200)
})
