import { afterAll, beforeAll, expect, it } from 'vitest'
import { ask } from '../../system/client.ts'
import { APP_IMAGE } from '../image.ts'
import type { LabFleet } from './fleet.ts'
import { startFleet } from './start-fleet.ts'

let fleet: LabFleet
beforeAll(async () => {
  fleet = await startFleet()
})
afterAll(() => fleet?.stop())

it('wakes an app through one gateway and is answered by it through the other', async () => {
  await fleet.add({ name: 'shop', image: APP_IMAGE, env: { NAME: 'shop' }, health: 'http:/health' })
  const [g1, g2] = fleet.gateways.map((gateway) => gateway.origin)
  const first = await ask(g1 ?? '', '/shop/')
  expect(first.text).toContain('shop')
  expect(first.status).toBe(200)
  expect((await ask(g2 ?? '', '/shop/')).status).toBe(200)
})
