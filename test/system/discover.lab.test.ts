import Docker from 'dockerode'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { labEngine } from '../lab/engine.ts'
import { HELLO_IMAGE } from '../lab/image.ts'
import { ask } from './client.ts'
import { type Cluster, startCluster } from './cluster.ts'

const docker = new Docker({ socketPath: labEngine().url.slice('unix://'.length) })
const soon = <T>(look: () => T) => expect.poll(look, { timeout: 20_000, interval: 200 })

let cluster: Cluster
beforeAll(async () => {
  for (const repo of ['foo/asked', 'foo/silent', 'foo/shy'])
    await docker.getImage(HELLO_IMAGE).tag({ repo, tag: '1' })
  cluster = await startCluster([
    ...['--discover', 'label', '--discover-ports', '8000'],
    ...['--unknown', '403', '--proxy', 'haproxy'],
  ])
})
afterAll(async () => {
  await cluster.stop()
  for (const repo of ['foo/asked', 'foo/silent', 'foo/shy'])
    await docker.getImage(`${repo}:1`).remove({ force: true })
})

const status = async (path: string) => (await ask(cluster.origin, path)).status

/** Starts a container as somebody does who knows nothing of us but the label. */
async function runByHand(image: string, label?: string): Promise<Docker.Container> {
  const container = await docker.createContainer({
    Image: `${image}:1`,
    ...(label !== undefined && { Labels: { 'reveille.discover': label } }),
    HostConfig: { Init: true, PortBindings: { '8000/tcp': [{ HostPort: '' }] } },
  })
  await container.start()
  return container
}

it('reaches containers that are labelled true, and no others; stops and removes none', async () => {
  const silent = await runByHand('foo/silent')
  const shy = await runByHand('foo/shy', 'false')
  const asked = await runByHand('foo/asked', 'true')
  await soon(() => status('/foo/asked/')).toBe(200)
  expect((await ask(cluster.origin, '/foo/asked/')).text).toBe('hello\n')
  for (const path of ['/foo/silent/', '/foo/shy/', '/foo/']) expect(await status(path)).toBe(403)

  await asked.stop({ t: 0 })
  await soon(() => status('/foo/asked/')).toBe(403)
  await asked.start()
  await soon(() => status('/foo/asked/')).toBe(200)

  // A label is the container's own: it is asked for by who runs it, not by its image or a second one.
  const second = await runByHand('foo/silent', 'true')
  await soon(() => status('/foo/silent/')).toBe(200)
  await second.stop({ t: 0 })
  await soon(() => status('/foo/silent/')).toBe(403)

  const states = await Promise.all(
    [silent, shy, asked].map(async (container) => (await container.inspect()).State.Running),
  )
  expect(states).toEqual([true, true, true])
  for (const container of [silent, shy, asked, second]) await container.remove({ force: true })
}, 120_000)
