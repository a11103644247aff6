import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Docker from 'dockerode'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { AppInput } from '../../model/app.ts'
import { appContainers, networksOf } from '../lab/containers.ts'
import { labEngine } from '../lab/engine.ts'
import { ask } from './client.ts'
import { type Cluster, startCluster } from './cluster.ts'

const docker = new Docker({ socketPath: labEngine().url.slice('unix://'.length) })
const patience = { timeout: 40_000, interval: 200 }
const image = 'reveille-test/app:1'

const db: AppInput = {
  ...{ name: 'shop-db', image: 'reveille/example-db:1', port: 5432, health: 'tcp', route: 'none' },
  ...{ group: 'shop', volumes: ['data:/data'], idleAfter: '2s', stopTimeout: 2 },
}
const shop: AppInput = {
  ...{ name: 'shop', image: 'reveille/example-shop:1', env: { DB: 'shop-db:5432' } },
  ...{ group: 'shop', dependsOn: ['shop-db'], idleAfter: '3s', stopTimeout: 2 },
}

let cluster: Cluster
beforeAll(async () => {
  const script = join(import.meta.dirname, '../../examples/group/images.sh')
  await promisify(execFile)('bash', [script, labEngine().url])
  cluster = await startCluster()
})
afterAll(async () => {
  await cluster.stop()
  const { Volumes } = await docker.listVolumes()
  for (const { Name } of Volumes.filter(({ Labels }) => Labels?.['reveille.volume']))
    await docker
      .getVolume(Name)
      .remove()
      .catch(() => {})
})

const inspect = (app: string) => docker.getContainer(`reveille-${app}-0`).inspect()
const startOf = async (app: string): Promise<number> =>
  Date.parse((await inspect(app)).State.StartedAt)
const endOf = async (app: string): Promise<number> =>
  Date.parse((await inspect(app)).State.FinishedAt)

async function stateOf(app: string): Promise<string> {
  const { text } = await cluster.api('GET', `/v1/apps/${app}`)
  return (JSON.parse(text) as { status: { state: string } }).status.state
}

it('the first request starts the database, then the shop, and is answered with what that says', async () => {
  await cluster.add(shop) // what it needs may come later
  await cluster.add(db)
  expect(await ask(cluster.origin, '/shop/')).toMatchObject({ status: 200, text: 'visit 1\n' })
  expect(await startOf('shop-db')).toBeLessThan(await startOf('shop'))
  expect((await ask(cluster.origin, '/shop-db/')).status).toBe(404)
})

it('containers have volumes and a network of ours, and nothing of the host', async () => {
  for (const app of ['shop', 'shop-db']) {
    const { HostConfig, Mounts } = await inspect(app)
    expect(HostConfig).toMatchObject({ Binds: null, Privileged: false, CapAdd: null, PidMode: '' })
    expect(HostConfig.SecurityOpt).toEqual(['no-new-privileges'])
    expect(await networksOf(docker, `reveille-${app}-0`)).toEqual(['reveille-shop'])
    expect(Mounts.map(({ Type, Name }) => [Type, Name])).toEqual(
      app === 'shop' ? [] : [['volume', 'reveille-shop.data']],
    )
  }
})

it('what is needed is neither put to sleep nor removed before what needs it', async () => {
  await ask(cluster.origin, '/shop/')
  const sleep = await cluster.api('POST', '/v1/apps/shop-db/sleep')
  expect([sleep.status, sleep.text]).toEqual([409, expect.stringContaining('needed by shop')])
  const removal = await cluster.api('DELETE', '/v1/apps/shop-db')
  expect([removal.status, removal.text]).toEqual([409, expect.stringContaining('needed by shop')])
})

it('a database that dies while its shop runs is brought back, with nobody asking', async () => {
  await ask(cluster.origin, '/shop/')
  const before = await startOf('shop-db')
  await cluster.api('PUT', '/v1/apps/shop', { ...shop, idleAfter: '60s' })
  await docker.getContainer('reveille-shop-db-0').kill()
  await expect.poll(() => startOf('shop-db'), patience).toBeGreaterThan(before)
  await expect.poll(() => stateOf('shop-db'), patience).toBe('ready')
  await cluster.api('PUT', '/v1/apps/shop', shop)
}, 60_000)

it('the shop sleeps first, then its database, and the next request finds what was kept', async () => {
  const [, last] = /visit (\d+)/.exec((await ask(cluster.origin, '/shop/')).text) ?? []
  const began = await startOf('shop-db')
  await expect.poll(() => stateOf('shop'), patience).toBe('asleep')
  await expect.poll(() => stateOf('shop-db'), patience).toBe('asleep')
  expect(await endOf('shop')).toBeLessThan(await endOf('shop-db'))
  expect(await startOf('shop-db'), 'it ran all the time').toBe(began)
  const answer = await ask(cluster.origin, '/shop/')
  expect(answer.text).toBe(`visit ${Number(last) + 1}\n`)
  expect(await startOf('shop-db')).toBeLessThan(await startOf('shop'))
}, 90_000)

it('what was kept outlives a container that is made anew, and goes only when that is said', async () => {
  const [, last] = /visit (\d+)/.exec((await ask(cluster.origin, '/shop/')).text) ?? []
  const { Id } = await inspect('shop-db')
  await cluster.api('PUT', '/v1/apps/shop-db', { ...db, env: { NEW: '1' } })
  for (const app of ['shop', 'shop-db'])
    expect((await cluster.api('POST', `/v1/apps/${app}/sleep`)).status).toBe(200)
  expect((await ask(cluster.origin, '/shop/')).text).toBe(`visit ${Number(last) + 1}\n`)
  expect((await inspect('shop-db')).Id).not.toBe(Id)

  for (const app of ['shop', 'shop-db'])
    expect((await cluster.api('DELETE', `/v1/apps/${app}`)).status).toBe(200)
  const networks = (await docker.listNetworks()).map(({ Name }) => Name)
  expect(networks).not.toContain('reveille-shop')
  await cluster.add(db)
  await cluster.add(shop)
  expect((await ask(cluster.origin, '/shop/')).text).toBe(`visit ${Number(last) + 2}\n`)

  expect((await cluster.api('DELETE', '/v1/apps/shop')).status).toBe(200)
  const removal = await cluster.api('DELETE', '/v1/apps/shop-db?volumes=1')
  expect(JSON.parse(removal.text)).toMatchObject({ containers: 1, volumes: 1, unreachable: [] })
  const { Volumes } = await docker.listVolumes()
  expect(Volumes.map(({ Name }) => Name)).not.toContain('reveille-shop.data')
}, 90_000)

it('a whole stack is made of a name by two blueprints, each with a network of its own', async () => {
  const { name: _db, ...database } = db
  const { name: _shop, ...front } = shop
  const blueprints = [
    {
      name: 'databases',
      pattern: '^customer-[a-z]+-db$',
      app: { ...database, group: '{{name}}', idleAfter: '60s' },
    },
    {
      name: 'customers',
      pattern: '^customer-[a-z]+$',
      app: {
        ...{ ...front, group: '{{name}}-db', dependsOn: ['{{name}}-db'] },
        ...{ env: { DB: '{{name}}-db:5432' }, idleAfter: '60s' },
      },
    },
  ]
  for (const blueprint of blueprints)
    expect((await cluster.api('POST', '/v1/blueprints', blueprint)).status).toBe(201)
  for (const name of ['customer-x', 'customer-y'])
    expect(await ask(cluster.origin, `/${name}/`)).toMatchObject({ text: 'visit 1\n' })
  const wanted = ['/reveille-customer-x-0', '/reveille-customer-x-db-0']
  const filters = { network: ['reveille-customer-x-db'] }
  const inNetwork = (await docker.listContainers({ filters })).map(({ Id }) => Id)
  const apps = await appContainers(docker)
  // What has the network is an app's container, or its sandbox.
  const members = apps.filter(({ hostId }) => inNetwork.includes(hostId))
  expect(members).toHaveLength(inNetwork.length)
  expect(members.flatMap(({ Names }) => Names).sort()).toEqual(wanted)
  const volumes = members.flatMap(({ Mounts }) => Mounts.map(({ Name }) => Name))
  expect(volumes).toEqual(['reveille-customer-x-db.data'])
}, 60_000)

it('hostile volumes, groups and needs are refused, and nothing is stored or made', async () => {
  const before = await docker.listContainers({ all: true })
  for (const wrong of [
    ...[{ volumes: ['/:/host'] }, { volumes: ['/var/run/docker.sock:/s'] }, { group: 'host/' }],
    ...[{ volumes: ['data:/proc'] }, { volumes: ['data:/a:rw'] }, { volumes: ['../x:/a'] }],
    ...[{ group: 'container:x' }, { group: '' }, { dependsOn: ['a/b'] }, { dependsOn: ['evil'] }],
    { HostConfig: { Binds: ['/:/host'] } },
  ]) {
    const { status } = await cluster.api('POST', '/v1/apps', { name: 'evil', image, ...wrong })
    expect(status, JSON.stringify(wrong)).toBe(400)
  }
  expect((await cluster.api('GET', '/v1/apps/evil')).status).toBe(404)
  expect(await docker.listContainers({ all: true })).toHaveLength(before.length)
  await cluster.add({ name: 'first', image, dependsOn: ['second'] })
  const cycle = { name: 'second', image, dependsOn: ['first'] }
  const refused = await cluster.api('POST', '/v1/apps', cycle)
  expect(refused.status).toBe(409)
  expect(refused.text).toContain('second -> first -> second')
})

it('what is needed and fails, or is not there, fails the wake by name', async () => {
  const unknown = await ask(cluster.origin, '/first/')
  expect([unknown.status, unknown.text]).toEqual([503, expect.stringContaining('needs second')])
  await cluster.add({ name: 'bad-db', image, env: { EXIT_CODE: '3' } })
  await cluster.add({ name: 'above', image, dependsOn: ['bad-db'] })
  await cluster.add({ name: 'top', image, dependsOn: ['above'] })
  const failed = await ask(cluster.origin, '/top/')
  expect(failed.status).toBe(503)
  expect(failed.text).toContain('it needs above: it needs bad-db: exited with code 3')
  const made = (await docker.listContainers({ all: true })).flatMap(({ Names }) => Names)
  expect(made).toContain('/reveille-bad-db-0')
  for (const app of ['above', 'top']) expect(made).not.toContain(`/reveille-${app}-0`)
})
