import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { PIN, pinOf } from '../../model/pin.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

it('the id of an instance is the same for ever: clients have it in their cookies', () => {
  const instance = { app: 'shop', slot: 1, endpoint: '10.0.0.1:80' }
  expect(pinOf(instance, sha256)).toBe('54db49669bc97e1c')
  expect(pinOf({ ...instance, app: 'SHOP' }, sha256)).toBe('54db49669bc97e1c')
  expect(pinOf({ ...instance, slot: 2 }, sha256)).toMatch(PIN)
})
