import { setTimeout as pause } from 'node:timers/promises'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Container, LoneSandbox } from '../../model/container.ts'
import { readLabels } from '../../model/label.ts'
import { discovered } from '../../registrar/instance.ts'
import type { Member } from '../../registrar/roster.ts'
import { Sandboxes, type SandboxesOptions } from '../../registrar/sandboxes.ts'

let ending: AbortController
let claims: Set<string>
let alone: LoneSandbox[]
let removed: string[]
let stopped: string[]
let isCut: boolean
let isAway: boolean

beforeEach(() => {
  ending = new AbortController()
  claims = new Set()
  alone = []
  removed = []
  stopped = []
  isCut = true
  isAway = false
})
afterEach(() => ending.abort())

function sandboxes(): Sandboxes {
  const engine: SandboxesOptions['engine'] = {
    inspect: async () => ({ state: 'running', ...(isCut && { isCut }) }) as unknown as Container,
    stop: async (id) => void stopped.push(id),
    stopSandbox: async (id) => void stopped.push(`sandbox of ${id}`),
    loneSandboxes: async () => {
      if (isAway) throw new Error('away')
      return alone
    },
    removeSandbox: async (id) => void removed.push(id),
  }
  const cluster = {
    claim: (app: string) => (claims.has(app) ? {} : undefined),
    terms: () => ({ min: 0, idleAfter: 60, stopTimeout: 1 }),
    until: async (condition: () => boolean) => {
      while (!condition()) await pause(5)
      return true
    },
  } as unknown as SandboxesOptions['cluster']
  return new Sandboxes({ engine, cluster, log: pino({ level: 'silent' }) })
}

function member(): Member {
  const read = readLabels({ 'reveille.app': 'shop' })
  if (!read.ok) throw new Error(read.reason)
  const instance = discovered('c1', read.spec)
  return { instance, since: 0, changed: 0, isDraining: false, probing: null, hasSandbox: true }
}

test('a sandbox that is alone at two looks goes; one that was only being made is left', async () => {
  const one = sandboxes()
  alone = [{ id: 's1', app: 'shop', slot: 0 }]
  await one.sweep()
  expect(removed).toEqual([])
  alone = [...alone, { id: 's2', app: 'other', slot: 0 }]
  await one.sweep()
  expect(removed).toEqual(['s1'])
  alone = []
  await one.sweep()
  alone = [{ id: 's2', app: 'other', slot: 0 }]
  await one.sweep()
  expect(removed).toEqual(['s1'])
})

test('a sandbox of a slot that somebody changes is left until that is over', async () => {
  const one = sandboxes()
  alone = [{ id: 's1', app: 'shop', slot: 0 }]
  claims.add('shop')
  for (let looks = 0; looks < 3; looks++) await one.sweep()
  expect(removed).toEqual([])
  claims.delete('shop')
  await one.sweep()
  expect(removed).toEqual(['s1'])
})

test('an engine that fails is asked again', async () => {
  alone = [{ id: 's1', app: 'shop', slot: 0 }]
  const one = sandboxes()
  isAway = true
  await one.sweep()
  isAway = false
  for (let looks = 0; looks < 2; looks++) await one.sweep()
  expect(removed).toEqual(['s1'])
})

test('an app that is cut off is stopped, unless a wake of it has mended it meanwhile', async () => {
  const one = sandboxes()
  await one.end(member(), ending.signal)
  // Both: by a clock that was set back they would be started in the wrong order for ever.
  expect(stopped).toEqual(['c1', 'sandbox of c1'])
  claims.add('shop')
  const waiting = one.end(member(), ending.signal)
  await pause(30)
  expect(stopped).toHaveLength(2)
  isCut = false
  claims.delete('shop')
  await waiting
  expect(stopped).toHaveLength(2)
})

test('it is stopped once however often that is told', async () => {
  const one = sandboxes()
  await Promise.all([one.end(member(), ending.signal), one.end(member(), ending.signal)])
  expect(stopped).toEqual(['c1', 'sandbox of c1'])
})
