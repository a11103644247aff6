import { afterAll, beforeAll, expect, it } from 'vitest'
import { HELLO_IMAGE } from '../lab/image.ts'
import { type LabRegistry, startRegistry } from '../lab/registry.ts'
import { ask } from './client.ts'
import { type Cluster, startCluster } from './cluster.ts'

let registry: LabRegistry
let cluster: Cluster
beforeAll(async () => {
  registry = await startRegistry()
  cluster = await startCluster(['--registries', registry.address])
})
afterAll(async () => {
  await cluster?.stop()
  await registry?.stop()
})

it('an image that is missing is pulled, and the same request is answered', async () => {
  const image = await registry.offer(HELLO_IMAGE, 'pulled:1')
  await cluster.add({ name: 'pulled', image })
  const answer = await ask(cluster.origin, '/pulled/')
  expect(answer.text).toBe('hello\n')
  expect(answer.status).toBe(200)
  const pulled = (): number => {
    const line = cluster
      .log()
      .split('\n')
      .find((text) => text.includes('"msg":"woke"'))
    return line === undefined ? 0 : (JSON.parse(line) as { ms: { pull: number } }).ms.pull
  }
  await expect.poll(pulled).toBeGreaterThan(0)
})

it('an image is pulled ahead for an app that asks for it, and its first start need not', async () => {
  const image = await registry.offer(HELLO_IMAGE, 'ahead:1')
  await cluster.add({ name: 'ahead', image, prefetch: true })
  const lines = (text: string): string[] =>
    cluster
      .log()
      .split('\n')
      .filter((line) => line.includes('"app":"ahead"') && line.includes(text))
  await expect.poll(() => lines('"msg":"pulled ahead"'), { timeout: 40_000 }).toHaveLength(1)
  expect(lines('"msg":"woke"')).toEqual([])
  const answer = await ask(cluster.origin, '/ahead/')
  expect(answer.text).toBe('hello\n')
  await expect.poll(() => lines('"msg":"woke"')).toHaveLength(1)
  expect(JSON.parse(lines('"msg":"woke"')[0] ?? '').ms.pull).toBeUndefined()
})

it('an image the registry has not is said to be missing there', async () => {
  await cluster.add({ name: 'absent', image: `${registry.address}/absent:1` })
  const answer = await ask(cluster.origin, '/absent/')
  expect(answer.status).toBe(503)
  expect(JSON.parse(answer.text).detail).toContain(`${registry.address}/absent:1`)
})

it('a registry that is not allowed is not asked', async () => {
  const answer = await cluster.api('POST', '/v1/apps', {
    name: 'other',
    image: '10.94.250.1:5000/x:1',
  })
  expect(answer.status).toBe(400)
  expect(answer.text).toContain('--registries')
})
