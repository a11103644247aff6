import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LabFleet } from '../lab/fleet/fleet.ts'
import { startFleet } from '../lab/fleet/start-fleet.ts'
import { CATALOGUE } from './catalogue.ts'
import { judge } from './fault.ts'
import { fleetOf } from './fleet.ts'
import type { Plateau } from './footprint.ts'
import { steady } from './steady.ts'

/** Every fault once that has passed, over one fleet; `npm run faults` runs them more often. Each says itself what it took. */
describe('faults of a fleet with live gateways', () => {
  let fleet: LabFleet
  let plateau: Plateau
  beforeAll(async () => {
    fleet = await startFleet(fleetOf())
    plateau = await steady(fleet)
  }, 300_000)
  afterAll(() => fleet?.stop())

  it.each(CATALOGUE)(
    '$id: $title',
    async (fault) => {
      expect((await judge(fault, fleet, plateau)).violations).toEqual([])
    },
    600_000,
  )
})
