import Docker from 'dockerode'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { SANDBOX_IMAGE } from '../../adapters/sandbox-image.ts'
import { labEngine } from '../lab/engine.ts'
import { temporaryFolder } from '../lab/folder.ts'
import { askUntil } from '../system/client.ts'
import { flagsFor, type Household, startHousehold } from './household.ts'

// `reveille up --demo` with an engine that is somebody's own, and stays.

const { url, address } = labEngine()
const docker = new Docker({ socketPath: url.slice('unix://'.length) })
let home: Household
let before: Record<string, string[]>

/** All that an engine has, by name. */
async function belongings(): Promise<Record<string, string[]>> {
  const [containers, images, networks, { Volumes }] = await Promise.all([
    docker.listContainers({ all: true }),
    docker.listImages(),
    docker.listNetworks(),
    docker.listVolumes(),
  ])
  return {
    containers: containers.flatMap(({ Names }) => Names).sort(),
    images: images.flatMap(({ RepoTags }) => RepoTags ?? []).sort(),
    networks: networks.map(({ Name }) => Name).sort(),
    volumes: Volumes.map(({ Name }) => Name).sort(),
  }
}

beforeAll(async () => {
  // Another test may have made an app.
  await docker
    .getImage(SANDBOX_IMAGE)
    .remove()
    .catch(() => {})
  before = await belongings()
  const own = ['--docker', url, '--address', address, '--networks', `${address}/32`]
  home = await startHousehold([
    ...(await flagsFor(await temporaryFolder())),
    ...['--demo', '--engine', 'docker', ...own],
  ])
}, 90_000)
afterAll(() => home?.part.end(30_000), 60_000)

it('the demo leaves an engine as it found it, with what it has made of apps, sandboxes and images', async () => {
  for (const name of ['A', 'demo-1'])
    await askUntil(home.origin, `/${name}/`, ({ status }) => status === 200, 20)
  const { containers = [], images } = await belongings()
  expect(containers).toEqual(expect.arrayContaining(['/reveille-a-0', '/reveille-a-0.sandbox']))
  expect(images).toEqual(expect.arrayContaining(['localhost/reveille/demo:1', SANDBOX_IMAGE]))
  // As one that a start which was broken off has left.
  const left = { Image: SANDBOX_IMAGE, name: 'reveille-b-0.sandbox' }
  const Labels = { 'reveille.app': 'B', 'reveille.slot': '0', 'reveille.sandbox': 'reveille-b-0' }
  await (await docker.createContainer({ ...left, Labels })).start()
  process.kill(home.pid, 'SIGINT')
  await home.part.gone
  expect(await belongings()).toEqual(before)
}, 60_000)
