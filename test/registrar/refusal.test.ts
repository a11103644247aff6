import { pino } from 'pino'
import { expect, it } from 'vitest'
import { Keys } from '../../model/key.ts'
import { Refusals } from '../../registrar/refusal.ts'

const keys = new Keys()
const KEY = keys.endpoint('plain', 0)

function gateway(rejected: { key: string; reason: string }[], id = 'g1') {
  const record = { id, applied: '1', generation: 1, endpoints: 0, rejected }
  const entry = {
    key: keys.named('gateway', id),
    value: JSON.stringify(record),
    modRevision: '1',
    createRevision: '1',
    lease: '0',
  }
  return { type: 'put' as const, entry }
}

it('says once that a gateway refuses our entry and why, and again when it refuses it again', () => {
  const lines: { gateway: string; reason: string }[] = []
  const log = pino({}, { write: (line: string) => lines.push(JSON.parse(line)) })
  const refusals = new Refusals((key) => key === KEY, keys, log)
  const refused = [{ key: KEY, reason: 'outside the host networks' }]
  refusals.observe(gateway([{ key: keys.endpoint('other', 0), reason: 'not ours' }]))
  refusals.observe(gateway(refused))
  refusals.observe(gateway(refused))
  refusals.observe(gateway([]))
  refusals.observe(gateway(refused))
  refusals.observe({ type: 'put', entry: { ...gateway([]).entry, value: 'no record' } })
  refusals.observe({ type: 'delete', key: keys.named('gateway', 'g1') })
  expect(lines.map(({ gateway, reason }) => [gateway, reason])).toEqual([
    ['g1', 'outside the host networks'],
    ['g1', 'outside the host networks'],
  ])
})
