import { expect, it, vi } from 'vitest'
import { z } from 'zod'
import { revisionOf } from '../../launcher/revision.ts'
import { App, type AppInput } from '../../model/app.ts'

/** An App of a later version, which has more to say. */
vi.mock('../../model/app.ts', async (original) => {
  const { App, ...rest } = await original<typeof import('../../model/app.ts')>()
  const limits = App.shape.limits.def.innerType.extend({ swap: z.number().default(0) }).prefault({})
  return { ...rest, App: App.safeExtend({ limits, tmpfs: z.string().default('') }) }
})

it('is the same for the same App in whatever order it was written, and another for another', () => {
  const one = App.parse({ name: 'shop', image: 'shop:1', env: { A: '1', B: '2' } })
  const two = App.parse({ env: { B: '2', A: '1' }, image: 'shop:1', name: 'shop' })
  expect(revisionOf(one)).toBe(revisionOf(two))
  expect(revisionOf(one)).toMatch(/^[0-9a-f]{64}$/)
  expect(revisionOf({ ...one, port: 9000 })).not.toBe(revisionOf(one))
  expect(revisionOf({ ...one, command: ['a', 'b'] })).not.toBe(
    revisionOf({ ...one, command: ['b', 'a'] }),
  )
  // how gateways lead to it needs no other container
  expect(revisionOf({ ...one, sticky: true, route: 'none' })).toBe(revisionOf(one))
})

it('stays where only changes what no container is made of', () => {
  const app = App.parse({ name: 'shop', image: 'shop:1' })
  const elsewhere = { constraints: ['zone==b'], antiAffinity: 'require' as const }
  expect(revisionOf({ ...app, ...elsewhere, replicas: 3, startTimeout: 5 })).toBe(revisionOf(app))
  for (const change of [
    { name: 'shop2' },
    { image: 'shop:2' },
    { env: { A: '1' } },
    { health: { type: 'tcp' } as const },
    { idleAfter: 5 },
    { stopTimeout: 5 },
    { min: 1 },
    { limits: { ...app.limits, memory: 2 ** 26 } },
  ])
    expect(revisionOf({ ...app, ...change }), JSON.stringify(change)).not.toBe(revisionOf(app))
})

const SAYS_ALL = {
  ...{ name: 'Shop', image: 'registry.example/shop:3', port: 3000, env: { A: '1' } },
  ...{ command: ['run', 'it'], health: 'http:/health', idleAfter: '5m', sleep: 'pause,stop:1h' },
  ...{ prefetch: true, startTimeout: 5, stopTimeout: 3, min: 1, replicas: 2, sticky: true },
  ...{ route: 'none', limits: { memory: '1g', cpus: 2, pids: 64 }, network: 'bridge' },
  ...{ constraints: ['zone==b'], antiAffinity: 'require', routes: ['shop.example/'] },
  ...{ dependsOn: ['db'], group: 'shops', volumes: ['data:/data'], origin: 'spawner' },
}

// Containers out there have these: with another revision all of them would be made anew by an upgrade.
it('is what it was in earlier versions, although an App has more to say now', () => {
  expect(revisionOf(App.parse({ name: 'shop', image: 'shop:1' }))).toBe(
    'b84b48c11d8c0ba547e25b8d1cf00fa5a5d61a34f14b4e42694f7fbac4616450',
  )
  expect(revisionOf(App.parse(SAYS_ALL))).toBe(
    '607c0c79d1711a80be6007af70d55085e50be7e90cbd26b8ec33b04b2a57738c',
  )
})

it('is another one where an App says more than by default', () => {
  const app = { name: 'shop', image: 'shop:1' }
  const revision = revisionOf(App.parse(app))
  for (const more of [{ tmpfs: '/tmp' }, { limits: { swap: 1 } }])
    expect(revisionOf(App.parse({ ...app, ...more } as AppInput))).not.toBe(revision)
})
