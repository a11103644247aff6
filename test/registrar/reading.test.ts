import { expect, test } from 'vitest'
import type { Container } from '../../model/container.ts'
import { advance, discovered } from '../../registrar/instance.ts'
import { differs, isSlot, reachable, whyEnded, whyStopped } from '../../registrar/reading.ts'

const host = { address: '10.0.0.5', publish: '10.0.0.6' }
const container = (more: Partial<Container> = {}): Container => ({
  ...{ id: 'c', name: 'n', labels: {}, state: 'running', exitCode: 0, error: '', health: 'none' },
  ...{ published: { 8000: { host: '10.0.0.6', port: 32768 } }, pid: 7, image: 'i' },
  ...more,
})
const spec = {
  ...{ app: 'Shop', slot: 1, port: 8000, health: { type: 'auto' as const }, idleAfter: 1 },
  ...{ stopTimeout: 1, min: 0, revision: '' },
}
const stopped = discovered('c', spec)
const endpoint = { host: '10.0.0.5', port: 32768 }
const running = advance(stopped, {
  ...{ type: 'runs', endpoint, pid: 7, health: 'starting', routed: false },
})

test.each(['10.0.0.5', '10.0.0.6', '0.0.0.0', '::'])(
  'a port published on %s is reached at the address of the host',
  (address) => {
    const published = { 8000: { host: address, port: 32768 } }
    expect(reachable(container({ published }), 8000, host)).toEqual(endpoint)
  },
)

test('a port that is not published, or elsewhere, is not reached', () => {
  expect(reachable(container({ published: {} }), 8000, host)).toMatch('not published')
  const published = { 8000: { host: '127.0.0.1', port: 32768 } }
  expect(reachable(container({ published }), 8000, host)).toMatch('gateways do not use')
})

test.each<[string, boolean, Partial<Container>]>([
  ['nothing new', false, {}],
  ['it ended', true, { state: 'exited' }],
  ['it is paused', true, { state: 'paused' }],
  ['it has another port', true, { published: { 8000: { host: '10.0.0.6', port: 1 } } }],
  ['it is unhealthy', true, { health: 'unhealthy' }],
])('a list that says of a running instance: %s', (_, isNews, more) => {
  expect(differs(running, container(more))).toBe(isNews)
})

test('a list that says a stopped instance runs is news', () => {
  expect(differs(stopped, container())).toBe(true)
  expect(differs(stopped, container({ state: 'created' }))).toBe(false)
})

test('a slot is found ignoring the case of the name', () => {
  expect(isSlot(running, 'shop', 1)).toBe(true)
  expect(isSlot(running, 'shop', 0)).toBe(false)
})

test('the log says why something does not run', () => {
  expect(whyStopped(null)).toBe('removed')
  expect(whyStopped(container({ state: 'exited', exitCode: 137 }))).toBe('exited with code 137')
  expect(whyStopped(container({ state: 'paused' }))).toBe('the engine says it is paused')
  const event = { id: 'c', labels: {}, time: 0n }
  expect(whyEnded({ ...event, action: 'die', exitCode: 1 })).toBe('exited with code 1')
  expect(whyEnded({ ...event, action: 'destroy' })).toBe('destroy')
})
