import { expect, it } from 'vitest'
import { Catalog, type Change } from '../../../launcher/catalog.ts'
import { Backoff, slotKey } from '../../../launcher/wake/backoff.ts'
import { watchEnds } from '../../../launcher/wake/ends.ts'
import { Keys } from '../../../model/key.ts'
import { State } from '../../../model/state.ts'

const keys = new Keys()
const catalog = new Catalog(new State(keys, { networks: [], denied: new Set() }), keys)
const gone = (key: string): Change => ({ type: 'delete', key, seen: true })

function pausedAfter(...batch: Change[]): boolean {
  const backoff = new Backoff()
  backoff.ready('shop', performance.now())
  watchEnds(batch, catalog, backoff)
  return backoff.check('shop', performance.now()) !== null
}

it('takes an Endpoint that goes for the end of its app, but not where its host goes with it', () => {
  expect(pausedAfter(gone(keys.endpoint('shop', 0)))).toBe(true)
  expect(pausedAfter(gone(keys.endpoint('shop', 0)), gone(keys.named('host', 'a')))).toBe(false)
})

it('lets one slot back off without the others', () => {
  const backoff = new Backoff()
  backoff.failed(slotKey('Shop', 1), 'exited', 0)
  expect(backoff.check(slotKey('shop', 0), 1)).toBeNull()
  expect(backoff.check(slotKey('shop', 1), 1)).toMatchObject({ reason: 'exited' })
})
