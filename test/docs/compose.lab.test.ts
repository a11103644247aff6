import Docker from 'dockerode'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { freshClone } from '../lab/clone.ts'
import { command } from '../lab/command.ts'
import { labEngine } from '../lab/engine.ts'
import { ask, askUntil } from '../system/client.ts'
import { type Cluster, startCluster } from '../system/cluster.ts'
import { Page } from './page.ts'

const page = new Page('from/compose.md')
const [shown = '', ...others] = [...page.text.matchAll(/```\n(APP [^]*?)```/g)].map(
  (match) => match[1],
)
page.leave(
  'cli/setup/prepare.sh',
  'the clone is ready, and a cluster of the lab runs in place of `up`',
)

const docker = new Docker({ socketPath: labEngine().url.slice('unix://'.length) })
let clone: string
let cluster: Cluster
beforeAll(async () => {
  clone = await freshClone()
  cluster = await startCluster()
}, 300_000)
afterAll(async () => {
  await cluster?.stop()
})

/** Types the block that has `first` in it. Images of the internet are not here: another one has busybox too. */
function typed(first: string): Promise<string> {
  const here = page
    .block(first)
    .replaceAll('unix:///var/run/docker.sock', labEngine().url)
    .replaceAll('localhost:8080', cluster.origin)
    .replace(' busybox ', ' --user 0 reveille/example-db:1 busybox ')
  const variables = { ...cluster.variables, DOCKER_HOST: labEngine().url }
  const settings = Object.entries(variables).map(([name, value]) => `${name}=${value}`)
  return command('env', ...settings, 'sh', '-ec', `cd '${clone}'\n${here}`)
}

it('shows what it would do, as the page says, and does nothing', async () => {
  const out = await typed('examples/group/images.sh')
  expect(others).toEqual([])
  for (const line of shown
    .split('\n')
    .filter((line) => /\S/.test(line) && !/^ +\.\.\.$/.test(line)))
    expect(out).toContain(line)
  expect((await cluster.api('GET', '/v1/apps')).text).toBe('{"apps":[]}')
})

it('names every bind mount and every service that Reveille takes the place of', async () => {
  const out = await typed('examples/group/images.sh')
  for (const what of ['db.volumes[1]: ', 'proxy.image: ', 'sablier.image: '])
    expect(out).toContain(what)
})

it('does it, and the first request starts both, by the name and by the host name', async () => {
  const generation = '/_reveille/generation'
  const { text: before } = await ask(cluster.origin, generation)
  await typed('compose.yml --apply')
  await askUntil(cluster.origin, generation, ({ text: now }) => now !== before, 30)
  expect(await typed('shop.example.com')).toBe('visit 1\nvisit 2\n')
})

it('data of the old volume is where the page says', async () => {
  await docker.createVolume({ Name: 'shop_data' })
  const write = `echo '{"visits":41}' > /data/counters.json`
  await command(
    ...(['docker', '-H', labEngine().url, 'run', '--rm', '-v', 'shop_data:/data'] as const),
    ...['reveille/example-db:1', 'sh', '-c', write],
  )
  await cluster.api('POST', '/v1/apps/shop/sleep')
  await typed('reveille wake db')
  expect(await typed('shop.example.com')).toBe('visit 42\nvisit 43\n')
}, 180_000)

it('containers that run say what they are, and go on', async () => {
  const made = await docker.createContainer({
    ...{ name: 'old', Image: 'reveille/example-shop:1', Env: ['VIRTUAL_HOST=old.example.com'] },
  })
  await made.start()
  try {
    expect(await typed('import --docker')).toMatch(/^old +new .* old\.example\.com/m)
    expect((await made.inspect()).State.Running).toBe(true)
  } finally {
    await made.remove({ force: true })
  }
})

it('leaves nothing behind that the page has made', async () => {
  const names = async () => {
    const { Volumes } = await docker.listVolumes()
    const images = await docker.listImages()
    return [
      ...(await docker.listContainers({ all: true })).flatMap(({ Names }) => Names),
      ...Volumes.map(({ Name }) => Name).filter((name) => /shop/.test(name)),
      ...images
        .flatMap(({ RepoTags }) => RepoTags ?? [])
        .filter((tag) => /example-|sandbox/.test(tag)),
    ]
  }
  expect(await names()).toEqual(expect.arrayContaining(['reveille-shop.data', 'shop_data']))
  await typed('app rm')
  expect((await cluster.api('GET', '/v1/apps')).text).toBe('{"apps":[]}')
  expect(await names()).toEqual([])
}, 120_000)

it('every block of the page was typed, or left out for a reason', () => {
  expect(page.left).toEqual([])
})
