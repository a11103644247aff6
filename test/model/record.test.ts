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
    { engine: 'tcp://10.9.0.1:2375' },
    { engine: 'tcp://[fd00:9::1]:2375' },
    { engine: 'tcp://127.0.0.1:2375' },
    { engine: 'ssh://ops@10.9.0.1:22' },
    { publish: '127.0.0.1', address: '127.0.0.1' },
    { publish: 'fd00:9::1', address: 'fd00:9::1' },
  ])('of a host may say %j', (more) => {
    expect(Host.safeParse({ ...host, ...more }).success).toBe(true)
  })

  test.each([
    ...['', 'localhost', 'host-1', '0.0.0.0', '::', '169.254.169.254', '10.9.0.1:80', '10.9.0.1\n'],
    ...['224.0.0.1', '[fd00::1]', '010.9.0.1'],
  ])('of a host have no address %j', (text) => {
    expect(Host.safeParse({ ...host, address: text }).success).toBe(false)
    expect(Host.safeParse({ ...host, publish: text }).success).toBe(false)
  })

  test.each([
    ...['', 'x', 'unix://', 'unix:///', 'unix:///a b', 'http://10.9.0.1:2375'],
    ...['tcp://10.9.0.1', 'tcp://evil.example:2375', 'tcp://169.254.169.254:80', 'tcp://0.0.0.0:1'],
    ...['tcp://10.9.0.1:2375/x', 'tcp://a@10.9.0.1:2375', 'tcp://fd00:9::1:2375', 'npipe:////./x'],
  ])('of a host have no engine at %j', (engine) => {
    expect(Host.safeParse({ ...host, engine }).success).toBe(false)
  })

  test.each([
    [Host, { ...host, name: '../h' }],
    [Host, { ...host, cpus: '4' }],
    [Claim, { ...claim, action: 'stop' }],
    [Claim, { ...claim, owner: 'x'.repeat(201) }],
    [Claim, { ...claim, phase: 'asleep' }],
    [Claim, { ...claim, since: 'yesterday' }],
    [Gateway, { ...gateway, applied: 'soon' }],
    [Gateway, { ...gateway, generation: 1.5 }],
    [Gateway, { ...gateway, rejected: Array(101).fill({ key: 'k', reason: 'r' }) }],
  ])('that make no sense are refused (%#)', (schema, value) => {
    expect(schema.safeParse(value).success).toBe(false)
  })
})
