import { expect, test } from 'vitest'
import type { Container } from '../../model/container.ts'
import { advance, discovered } from '../../registrar/instance.ts'
import { Roster } from '../../registrar/roster.ts'
import { countVisitors } from '../../registrar/visitors.ts'

const spec = {
  ...{ app: 'A', slot: 0, port: 8000, health: { type: 'tcp' } as const, idleAfter: 1 },
  ...{ stopTimeout: 1, min: 0, revision: '' },
}
const stopped = discovered('c1', spec)
const running = advance(stopped, {
  ...{ type: 'runs', endpoint: { host: '10.0.0.1', port: 32_768 }, pid: 7 },
  ...{ health: 'none', routed: false },
})
const member = (instance = running) => new Roster().add(instance)
const container = (pid: number, state: Container['state']): Container => ({
  ...{ id: 'c1', name: 'reveille-a-0', labels: {}, state, exitCode: 0, error: '', pid },
  ...{ health: 'none', published: {}, image: '' },
})
const never = () => Promise.reject(new Error('not asked'))

test('what is counted is what there is', async () => {
  expect(await countVisitors(member(), async () => 3, never)).toBe(3)
  expect(await countVisitors(member(advance(running, { type: 'paused' })), never, never)).toBe(0)
  for (const now of [null, container(0, 'exited')])
    expect(await countVisitors(member(stopped), never, async () => now)).toBe(0)
})

test('what somebody paused by hand is in use by them, what sleeps so is not', async () => {
  const paused = container(7, 'paused')
  expect(await countVisitors(member(stopped), never, async () => paused)).toBe(1)
  const dozing = { ...paused, labels: { 'reveille.sleep': 'pause' } }
  expect(await countVisitors(member(stopped), never, async () => dozing)).toBe(0)
})

test('a process that cannot be seen has no visitors only if its engine says that it ended', async () => {
  const unseen = async () => null
  for (const now of [null, container(0, 'exited')])
    expect(await countVisitors(member(), unseen, async () => now)).toBe(0)
  const runs = countVisitors(member(), unseen, async () => container(7, 'running'))
  await expect(runs).rejects.toThrow('--pid=host')
})

test('a process that was started again unseen, at the address it had, is counted where it is now', async () => {
  const count = async ({ pid }: { pid: number }) => (pid === 8 ? 2 : null)
  expect(await countVisitors(member(), count, async () => container(8, 'running'))).toBe(2)
  const gone = countVisitors(member(), count, async () => container(9, 'running'))
  await expect(gone).rejects.toThrow('not visible')
})
