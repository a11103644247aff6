import { expect, test } from 'vitest'
import type { Health } from '../../model/health.ts'
import { advance, discovered } from '../../registrar/instance.ts'
import { type Asking, keepAsking, startingGap } from '../../registrar/readiness.ts'

test('a connect adds a five hundredth to a start at first, and is at most once a second later', () => {
  expect(startingGap(0, 'tcp', 1)).toBe(1)
  expect(startingGap(1_000, 'tcp', 1)).toBe(2)
  expect(startingGap(9_000, 'tcp', 1)).toBe(18)
  expect(startingGap(12_000, 'tcp', 1)).toBe(600)
  expect(startingGap(300_000, 'tcp', 1)).toBe(1_000)
})

test('many that start at once are connected to no more often together than one', () => {
  expect(startingGap(0, 'tcp', 20)).toBe(20)
  expect(startingGap(9_000, 'tcp', 10)).toBe(18)
})

test('the app itself is asked less often, a command inside its container least', () => {
  expect(startingGap(0, 'http', 20)).toBe(2)
  expect(startingGap(1_000, 'http', 1)).toBe(10)
  expect(startingGap(12_000, 'http', 1)).toBe(600)
  expect(startingGap(0, 'command', 1)).toBe(50)
  expect(startingGap(10_000, 'command', 1)).toBe(500)
  expect(startingGap(300_000, 'command', 1)).toBe(2_000)
})

const endpoint = { host: '127.0.0.1', port: 1 }

function instance(health: Health, found: 'none' | 'starting' | 'healthy' = 'none') {
  const spec = { app: 'A', slot: 0, port: 1, health, idleAfter: 1, stopTimeout: 1, min: 0 }
  const runs = { type: 'runs', endpoint, pid: 1, health: found, routed: false } as const
  return { ...advance(discovered('c', { ...spec, revision: '' }), runs), endpoint }
}

/** Notes what is asked; every question gets the next of `answers`, then `true`. */
function notebook(answers: (boolean | Error)[], check: string[] | null = null) {
  const asked: string[] = []
  const next = (question: string): Promise<boolean> => {
    asked.push(question)
    const answer = answers.shift() ?? true
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
  }
  const asking: Asking = {
    tcp: ({ port }) => next(`tcp ${port}`),
    http: (_, path) => next(`http ${path}`),
    command: (_, command) => next(`exec ${command.join(' ')}`).catch(() => null),
    healthcheck: () => Promise.resolve(check),
  }
  return { asked, asking }
}

async function untilGood(subject: ReturnType<typeof instance>, asking: Asking): Promise<boolean[]> {
  const told: boolean[] = []
  const turn = new AbortController()
  await keepAsking(
    subject,
    asking,
    (ok) => {
      told.push(ok)
      if (ok) turn.abort()
    },
    turn.signal,
  )
  return told
}

test.each<[string, Health, 'none' | 'starting', string[] | null, string]>([
  ['auto without a HEALTHCHECK is TCP', { type: 'auto' }, 'none', null, 'tcp 1'],
  ['auto with a HEALTHCHECK is its command', { type: 'auto' }, 'starting', ['x', 'y'], 'exec x y'],
  ['auto with a path is HTTP', { type: 'auto', path: '/up' }, 'none', null, 'http /up'],
  ['a HEALTHCHECK is before a path', { type: 'auto', path: '/up' }, 'starting', ['x'], 'exec x'],
  ['image is the command of its HEALTHCHECK', { type: 'image' }, 'starting', ['x'], 'exec x'],
  ['image without a HEALTHCHECK is TCP', { type: 'image' }, 'none', null, 'tcp 1'],
  ['tcp is TCP whatever the image says', { type: 'tcp' }, 'starting', ['x'], 'tcp 1'],
  ['http is a path', { type: 'http', path: '/up' }, 'none', null, 'http /up'],
  ['command is run inside', { type: 'command', command: ['a', 'b'] }, 'none', null, 'exec a b'],
])('%s', async (_, health, found, check, question) => {
  const { asked, asking } = notebook([false], check)
  expect(await untilGood(instance(health, found), asking)).toEqual([false, true])
  expect(asked).toEqual([question, question])
})

test('a question nobody could ask is no answer', async () => {
  const { asking } = notebook([new Error('the engine is away')])
  const health: Health = { type: 'command', command: ['a'] }
  expect(await untilGood(instance(health), asking)).toEqual([true])
})

test('what is ready by HEALTHCHECK is not asked at all: the engine tells', async () => {
  const { asked, asking } = notebook([], ['x'])
  await keepAsking(
    instance({ type: 'auto' }, 'healthy'),
    asking,
    () => {},
    new AbortController().signal,
  )
  expect(asked).toEqual([])
})

test('what is ready is asked after a while, and sooner again when in doubt', async () => {
  const { asked, asking } = notebook([false, false])
  const ready = { ...advance(instance({ type: 'tcp' }), { type: 'probed', ok: true }), endpoint }
  const turn = new AbortController()
  const told: boolean[] = []
  await keepAsking(
    ready,
    asking,
    (ok) => {
      told.push(ok)
      if (ok) turn.abort()
    },
    turn.signal,
    20,
  )
  expect(told).toEqual([false, false, true])
  expect(asked).toHaveLength(3)
})
