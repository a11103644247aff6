import { pino } from 'pino'
import { expect, test } from 'vitest'
import type { Container } from '../../model/container.ts'
import { Keys } from '../../model/key.ts'
import { Fleet } from '../../registrar/fleet.ts'

/** A container of an app that sleeps in a sandbox. */
function asleep(more: Partial<Container>): Container {
  return {
    ...{ id: 'c1', name: 'reveille-shop-0', labels: { 'reveille.app': 'shop' }, image: 'shop:1' },
    ...{ state: 'exited', exitCode: 0, error: '', health: 'none', published: {}, pid: 0 },
    ...more,
  }
}

function newFleet(): Fleet {
  const away = async (): Promise<never> => Promise.reject(new Error('away'))
  return new Fleet({
    engine: { inspect: away, imageLabels: away },
    asking: { tcp: away, http: away, command: away, healthcheck: away },
    publisher: {
      ...{ publish: () => {}, withdraw: async () => null },
      ...{ wanted: () => null, keys: () => [] },
    },
    ...{ keys: new Keys(), log: pino({ level: 'silent' }) },
    address: () => ({ address: '10.9.0.1', publish: '10.9.0.1' }),
    ...{ onReady: () => {}, onCut: () => {}, onPaused: () => {} },
  })
}

test('what sleeps keeps its sandbox until a list shows it without: no event tells that, as of an engine that started again', async () => {
  const fleet = newFleet()
  await fleet.reconcile([asleep({ hasSandbox: true })])
  expect(fleet.roster.get('c1')?.hasSandbox).toBe(true)
  await fleet.reconcile([asleep({})])
  expect(fleet.roster.get('c1')?.hasSandbox).toBe(false)
  await fleet.reconcile([asleep({ hasSandbox: true })])
  expect(fleet.roster.get('c1')?.hasSandbox).toBe(true)
})
