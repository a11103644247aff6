import { describe, expect, test } from 'vitest'
import { Claim, Gateway, Host } from '../../model/record.ts'

const host = {
  name: 'h1',
  address: '10.9.0.1',
  engine: 'unix:///var/run/docker.sock',
  publish: '10.9.0.1',
  cpus: 4,
  memory: 8e9,
}
const claim = { owner: 'l1/uuid', action: 'wake', since: '2026-01-01T00:00:00.000Z' }
const gateway = { id: 'g1', applied: '12', generation: 3, endpoints: 2, rejected: [] }

describe('records', () => {
  test('are read with their defaults', () => {
    expect(Host.parse(host)).toEqual({ ...host, labels: {}, images: [] })
    expect(Claim.parse({ ...claim, action: 'sleep', phase: 'draining', firm: true })).toMatchObject(
      {
        phase: 'draining',
        firm: true,
      },
    )
    expect(Gateway.parse(gateway)).toEqual(gateway)
  })

  test('of a newer version may have fields we do not know', () => {
    expect(Host.parse({ ...host, later: 1 })).not.toHaveProperty('later')
  })

  test.each([
    [Host, { ...host, name: '../h' }],
    [Host, { ...host, cpus: '4' }],
    [Claim, { ...claim, action: 'stop' }],
    [Claim, { ...claim, owner: 'x'.repeat(201) }],
    [Claim, { ...claim, phase: 'asleep' }],
    [Claim, { ...claim, since: 'yesterday' }],
    [Gateway, { ...gateway, generation: 1.5 }],
    [Gateway, { ...gateway, rejected: Array(101).fill({ key: 'k', reason: 'r' }) }],
  ])('that make no sense are refused (%#)', (schema, value) => {
    expect(schema.safeParse(value).success).toBe(false)
  })
})
