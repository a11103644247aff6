import { afterAll, beforeAll, expect, test } from 'vitest'
import { HELLO_IMAGE } from '../lab/image.ts'
import { House } from './house.ts'
import { eventually } from './process.ts'

/** What people and attackers write into labels; none of it makes sense for any of ours. */
const HOSTILE = [
  'shop,admin',
  'shop\nX',
  'true;',
  '999999999999999999999',
  '-1',
  'NaN',
  '1e9',
  '(.*)',
  '/app/../admin',
  '/bla{alias /var/run/secrets/;}location ~* ^/abcd',
  'http://something.com/#;\nx',
  'CN=(x){ return 200; } #',
  'max-age=300; server {}',
  'foo\'bar"baz',
]
/** `0` is a good name, slot and min, and no time or port. */
const LABELS = ['reveille.slot', 'reveille.port', 'reveille.idle-after', 'reveille.health']

let house: House
beforeAll(async () => {
  house = await House.open()
})
afterAll(() => house.close())

test('a label that makes no sense leaves its container alone: not registered, not stopped, said once', async () => {
  // every value as the name of an app but the one that is a good name, and all of them spread over the other labels
  const labels = [
    ...HOSTILE.filter((value) => !/^[0-9]+$|^NaN$|^1e9$/.test(value)).map((value) => ({
      'reveille.app': value,
    })),
    ...HOSTILE.map((value, index) => ({
      'reveille.app': `refused${index}`,
      [LABELS[index % LABELS.length] as string]: value,
    })),
    { 'reveille.app': 'refused-idle', 'reveille.idle-after': '0' },
    { 'reveille.app': 'refused-port', 'reveille.port': '0' },
  ]
  // created, not started: the labels are read all the same, and 30 containers more would only take time
  const started = await house.runByHand({
    Image: HELLO_IMAGE,
    Labels: { 'reveille.app': 'refused', 'reveille.idle-after': '-1' },
  })
  const made = await Promise.all(
    labels.map((Labels) => house.docker.createContainer({ Image: HELLO_IMAGE, Labels })),
  )
  try {
    await house.kill()
    await house.start()
    const refused = () => house.log.match(/container left alone/g)?.length ?? 0
    await eventually(() => refused() === labels.length + 1)
    await house.runByHand({ Image: HELLO_IMAGE, Labels: { 'reveille.app': 'good' } })
    await house.registered('good')
    const { entries } = await house.store.list('/services/clusters/')
    expect(entries.map((entry) => entry.key)).toEqual(['/services/clusters/good'])
    expect(await house.isRunning(started)).toBe(true)
    expect(refused()).toBe(labels.length + 1)
  } finally {
    await Promise.all(made.map((container) => container.remove({ force: true })))
  }
})

test('a container without our label is not seen, stopped or removed', async () => {
  const id = await house.runByHand({ Image: HELLO_IMAGE, Labels: { app: 'other' } })
  expect((await house.engine.list()).map((container) => container.id)).not.toContain(id)
  expect(await house.engine.inspect(id)).toBeNull()
  await expect(house.engine.stop(id, 1)).rejects.toMatchObject({ code: 'denied' })
  await expect(house.engine.remove(id)).rejects.toMatchObject({ code: 'denied' })
  expect(await house.isRunning(id)).toBe(true)
  expect(house.log).not.toContain(id.slice(0, 12))
})

test('a port that is not published, or not where gateways look, is said and not registered', async () => {
  const unpublished = { PortBindings: {} }
  const elsewhere = { PortBindings: { '8000/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] } }
  const image = { Image: HELLO_IMAGE }
  await house.runByHand({ ...image, Labels: { 'reveille.app': 'un' }, HostConfig: unpublished })
  await house.runByHand({ ...image, Labels: { 'reveille.app': 'else' }, HostConfig: elsewhere })
  await eventually(() => house.log.includes('port 8000 of the container is not published'))
  await eventually(() => house.log.includes('published on 127.0.0.1, which gateways do not use'))
  expect(await house.endpoint('un')).toBeNull()
  expect(await house.endpoint('else')).toBeNull()
})

test('two containers for one slot: the first is registered, the second when the first ends', async () => {
  const Labels = { 'reveille.app': 'twice' }
  const first = await house.runByHand({ Image: HELLO_IMAGE, Labels })
  const endpoint = await house.registered('twice')
  await house.runByHand({ Image: HELLO_IMAGE, Labels })
  await eventually(() => house.log.includes('another container has this slot'))
  expect(await house.endpoint('twice')).toBe(endpoint)
  await house.docker.getContainer(first).kill()
  await eventually(async () => ![null, endpoint].includes(await house.endpoint('twice')))
})

test('the label of an image takes no route: whoever runs that image did not ask for it', async () => {
  const image = { repo: 'reveille-test/victim', tag: '1', changes: 'LABEL reveille.app=victim' }
  const base = await house.docker.createContainer({ Image: HELLO_IMAGE })
  await base.commit(image)
  await base.remove()
  const Image = 'reveille-test/victim:1'
  try {
    const borrowed = await house.runByHand({ Image })
    const said = () => house.log.match(/is its image's, not its own/g)?.length ?? 0
    await eventually(() => said() > 0)
    const own = await house.runByHand({ Image, Labels: { 'reveille.app': 'chosen' } })
    await house.registered('chosen')
    expect(await house.endpoint('victim')).toBeNull()
    const lines = house.log.split('\n').filter((line) => line.includes("is its image's"))
    expect(lines).toHaveLength(1)
    for (const id of [borrowed, own]) await house.docker.getContainer(id).remove({ force: true })
  } finally {
    await house.docker.getImage(Image).remove({ force: true })
  }
})
