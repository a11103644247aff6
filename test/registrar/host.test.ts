import { pino } from 'pino'
import { expect, test } from 'vitest'
import { decode } from '../../model/decode.ts'
import { HostRecord } from '../../registrar/host.ts'

function record(images: string[]): HostRecord {
  return new HostRecord({
    ...{ name: 'h1', engine: 'unix:///e.sock', address: '10.0.0.1', key: '/services/hosts/h1' },
    ...{ incarnation: 'mine', labels: {}, log: pino({ level: 'silent' }) },
    info: async () => ({ cpus: 1, memory: 1, bridge: '', images, root: '' }),
    space: async () => null,
    paused: () => [],
    lease: () => null,
    store: {
      get: async () => null,
      create: async () => Promise.reject(new Error('not in this test')),
      replace: async () => Promise.reject(new Error('not in this test')),
    },
  })
}

test('a host with however many images is a host: its record names the newest of them', async () => {
  const tags = Array.from(
    { length: 5_000 },
    (_, index) => `registry.example/previews/shop:${String(5_000 - index).padStart(8, '0')}`,
  )
  const { images, ...more } = await record(tags).look()
  const text = JSON.stringify({ images, ...more })
  const policy = { networks: [], denied: new Set<string>() }
  expect(decode({ kind: 'host', name: 'h1' }, text, policy).kind).toBe('host')
  expect(images.length).toBeGreaterThan(500)
  expect(images).toEqual(tags.slice(0, images.length).sort())
})

test('all images are named where they are few', async () => {
  const { images } = await record(['b:1', 'a:1']).look()
  expect(images).toEqual(['a:1', 'b:1'])
})
