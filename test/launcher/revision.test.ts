import { expect, it } from 'vitest'
import { revisionOf } from '../../launcher/revision.ts'
import { App } from '../../model/app.ts'

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
