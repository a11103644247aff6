import { setTimeout as pause } from 'node:timers/promises'
import { pino } from 'pino'
import { expect, test, vi } from 'vitest'
import { readLabels } from '../../model/label.ts'
import { Idle, type IdleOptions } from '../../registrar/idle.ts'
import { discovered } from '../../registrar/instance.ts'
import { Roster } from '../../registrar/roster.ts'

const roster = new Roster()

/** An instance that runs. */
function add(app: string): void {
  const read = readLabels({ 'reveille.app': app })
  if (!read.ok) throw new Error(read.reason)
  roster.add({ ...discovered(app, read.spec), phase: 'ready' })
}

test('what others need is in use while sixteen are looked at, and sleeps its own idle time after them', async () => {
  const looked: string[] = []
  let isNeeded = true
  let letGo = (): void => {}
  const held = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const cluster = {
    requests: () => [],
    isNeeded: (app: string) => isNeeded && app === 'db',
    terms: () => ({ min: 0, idleAfter: 60, stopTimeout: 1, sleep: 'stop' }),
    claim: () => undefined,
    lastUse: () => 0,
  } as unknown as IdleOptions['cluster']
  const idle = new Idle({
    ...{ roster, cluster, log: pino({ level: 'silent' }), sandboxes: () => 500 },
    standing: { lease: '1', valid: () => true },
    sleep: { run: async () => 'in-use' } as unknown as IdleOptions['sleep'],
    connections: async ({ instance }) => {
      looked.push(instance.spec.app)
      await held
      return 0
    },
    isInformed: () => true,
    dismiss: async () => {},
    onResult: () => {},
  })
  const { signal } = new AbortController()
  for (let number = 0; number < 16; number += 1) add(`busy${number}`)
  add('db')
  let now = 1e6
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  now += 1e6
  idle.round(signal)
  expect(looked).toHaveLength(16)
  // They are still busy when the last one that needs it ends.
  now += 50_000
  idle.round(signal)
  isNeeded = false
  letGo()
  await pause(10)
  now += 30_000
  idle.round(signal)
  expect(looked).not.toContain('db')
  now += 60_000
  idle.round(signal)
  await pause(10)
  idle.round(signal)
  expect(looked).toContain('db')
})
