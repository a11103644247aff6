import { expect, it } from 'vitest'
import { pinOf, whyDrained } from '../../../launcher/place/drained.ts'
import { App } from '../../../model/app.ts'
import type { Container } from '../../../model/container.ts'
import { Host } from '../../../model/record.ts'

const where = { address: '10.9.0.1', engine: 'tcp://10.9.0.1:2375', publish: '10.9.0.1' }
const host = Host.parse({ name: 'h1', ...where, cpus: 2, memory: 0 })
const container = (state: Container['state']): Container => ({
  ...{ id: 'c', name: 'reveille-shop-0', labels: {}, state, image: 'shop:1' },
  ...{ exitCode: 0, error: '', health: 'none', published: {}, pid: 0 },
})

it('starts nothing on a host that is drained, whatever sleeps there; what runs there is taken as it is', () => {
  const drains = new Map([['h1', {}]])
  expect(whyDrained({ host, container: null }, drains, null)).toBe('is being drained')
  expect(whyDrained({ host, container: container('exited') }, drains, 'h2')).toBe(
    'is being drained',
  )
  for (const state of ['running', 'restarting', 'paused'] as const)
    expect(whyDrained({ host, container: container(state) }, drains, null)).toBeNull()
  expect(whyDrained({ host, container: null }, new Map([['h2', {}]]), null)).toBeNull()
})

it('goes on starting there whose volumes are there', () => {
  const drains = new Map([['h1', {}]])
  expect(whyDrained({ host, container: null }, drains, 'h1')).toBeNull()
  const entry = { key: '', value: '', modRevision: '1', createRevision: '1', lease: '0' }
  const home = (volumes: string[]) => ({ value: { host: 'h1', volumes }, entry })
  const app = App.parse({ name: 'db', image: 'db:1', group: 'Shop', volumes: ['data:/data'] })
  expect(pinOf(app, new Map([['shop', home(['data'])]]))).toBe('h1')
  expect(pinOf(app, new Map([['shop', home([])]]))).toBeNull()
  expect(pinOf(app, new Map([['db', home(['data'])]]))).toBeNull()
})
