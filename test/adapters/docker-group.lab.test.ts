import Docker from 'dockerode'
import { afterAll, expect, test } from 'vitest'
import { openEngine } from '../../adapters/docker-open.ts'
import { App, type AppInput } from '../../model/app.ts'
import { labEngine } from '../lab/engine.ts'
import { APP_IMAGE } from '../lab/image.ts'

const { url, address } = labEngine()
const engine = openEngine(url)
const { groups } = engine
const docker = new Docker({ socketPath: url.slice('unix://'.length) })
const never = new AbortController().signal

afterAll(async () => {
  for (const container of await engine.list()) {
    await engine.stop(container.id, 0)
    await engine.remove(container.id)
  }
  for (const group of ['one', 'two', 'shop']) await groups.dropNetwork(group)
  for (const volume of ['data', 'mine']) await groups.removeVolume('one', volume)
})

async function run(input: Omit<AppInput, 'image'>): Promise<string> {
  const app = App.parse({ image: APP_IMAGE, ...input })
  if (app.group !== undefined) await groups.provideNetwork(app.group)
  const labels = { 'reveille.app': app.name }
  const name = `test-group-${app.name}`
  const id = await engine.create({ name, app, labels, publish: address })
  await engine.start(id)
  return id
}

/** Whether one container finds another by name, asked inside it. */
const finds = async (id: string, name: string): Promise<boolean> => {
  const script = `new (require('node:dns').Resolver)({ timeout: 500, tries: 1 })
    .resolve4('${name}', (error) => process.exit(error ? 1 : 0))`
  return (await engine.exec(id, ['node', '-e', script], never)) === 0
}

test('members of a group find each other by name in lower case, nobody else does, and ports are published', async () => {
  const shop = await run({ name: 'shop', group: 'one' })
  const db = await run({ name: 'DB', group: 'One' })
  const other = await run({ name: 'other', group: 'two' })
  const alone = await run({ name: 'alone' })
  expect(await finds(shop, 'db')).toBe(true)
  expect(await finds(db, 'shop')).toBe(true)
  for (const id of [other, alone]) expect(await finds(id, 'db')).toBe(false)
  expect(await finds(shop, 'other')).toBe(false)
  const { port } = (await engine.inspect(db))?.published[8000] ?? { port: 0 }
  await expect
    .poll(() => fetch(`http://${address}:${port}/`).then(({ status }) => status, String))
    .toBe(200)
  const { HostConfig } = await docker.getContainer(db).inspect()
  expect(HostConfig).toMatchObject({ Privileged: false, Binds: null, NetworkMode: 'reveille-one' })
})

test('a network goes with the last container that has it, running or not', async () => {
  const networks = async (): Promise<string[]> =>
    (await docker.listNetworks())
      .map(({ Name }) => Name)
      .filter((name) => name.startsWith('reveille-'))
  for (const { id, name } of await engine.list())
    if (name !== 'test-group-other') {
      await engine.stop(id, 0)
      await groups.dropNetwork('one')
      expect(await networks()).toContain('reveille-one')
      await engine.remove(id)
    }
  await groups.dropNetwork('one')
  await groups.dropNetwork('two')
  await groups.dropNetwork('none')
  expect(await networks()).toEqual(['reveille-two'])
})

test('a container whose network went says so, and so it can be made anew', async () => {
  const id = await run({ name: 'lost', group: 'one' })
  await engine.stop(id, 0)
  await docker.getNetwork('reveille-one').remove()
  await expect(engine.start(id)).rejects.toMatchObject({ code: 'no-network' })
})

test('a volume is made once, keeps what is in it, and only ours is used or removed', async () => {
  await groups.createVolume('one', 'Data')
  await groups.createVolume('one', 'data')
  expect(await groups.hasVolume('One', 'data')).toBe(true)
  const { Labels } = await docker.getVolume('reveille-one.data').inspect()
  expect(Labels).toEqual({ 'reveille.group': 'one', 'reveille.volume': 'data' })
  const id = await run({ name: 'keeper', volumes: ['data:/data'] })
  await expect(groups.removeVolume('keeper', 'data')).rejects.toMatchObject({ code: 'denied' })
  await engine.stop(id, 0)
  await engine.remove(id)
  expect((await docker.getVolume('reveille-keeper.data').inspect()).Name).toBeTruthy()
  await docker.getVolume('reveille-keeper.data').remove()
  await groups.removeVolume('one', 'data')
  await groups.removeVolume('one', 'data')
  expect(await groups.hasVolume('one', 'data')).toBe(false)
})

test('a network or a volume that somebody else made under such a name is left alone', async () => {
  await docker.createVolume({ Name: 'reveille-one.mine' })
  await expect(groups.createVolume('one', 'mine')).rejects.toMatchObject({ code: 'denied' })
  await expect(groups.removeVolume('one', 'mine')).rejects.toMatchObject({ code: 'denied' })
  await docker.getVolume('reveille-one.mine').remove()
  const network = await docker.createNetwork({ Name: 'reveille-shop' })
  await expect(groups.provideNetwork('shop')).rejects.toMatchObject({ code: 'denied' })
  await expect(groups.dropNetwork('shop')).rejects.toMatchObject({ code: 'denied' })
  await network.remove()
})
