import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Control, Engine } from '../../launcher/api/control.ts'
import type { Container } from '../../model/container.ts'
import { writeLabels } from '../../model/label.ts'
import { ProblemError } from '../../model/problem.ts'
import type { Progress } from '../../model/progress.ts'
import { HOSTILE, isPlain } from './hostile.ts'
import { type CliStage, openCliStage } from './stage.ts'

const LINES = ['first', ...HOSTILE.map(({ value }) => value.replaceAll('\n', ' ')), 'last']

const container: Container = {
  id: 'c1',
  name: 'reveille-bad-0',
  labels: writeLabels({
    app: 'bad',
    slot: 0,
    port: 8000,
    health: { type: 'auto' },
    idleAfter: 300,
    stopTimeout: 10,
    min: 0,
    revision: '',
  }),
  state: 'exited',
  exitCode: 3,
  error: '',
  health: 'none',
  published: {},
  pid: 0,
  image: 'a:1',
}

/** An engine as the API sees one: a container that ended, and what it printed. */
const engine: Engine = {
  ping: async () => {},
  list: async () => [container],
  remove: async () => {},
  groups: {
    dropNetwork: async () => {},
    hasVolume: async () => false,
    removeVolume: async () => {},
  },
  async *logs(_id, { tail, follow, signal }) {
    yield* tail === 0 ? [] : LINES.slice(-tail)
    if (follow && !signal?.aborted)
      await new Promise((resolve) => signal?.addEventListener('abort', resolve))
  },
}

const STEPS: Omit<Progress, 'app'>[] = [
  { phase: 'queued' },
  { phase: 'pulling', percent: 43.7 },
  { phase: 'waiting', detail: '\u001b[2Jhealth' },
]

const listeners = new Set<(progress: Progress) => void>()
const control: Control = {
  wake: async (app, onProgress) => {
    for (const step of STEPS) onProgress?.({ app, ...step })
    if (app === 'bad')
      throw new ProblemError('start-failed', {
        app,
        detail: 'exited with code 3\u001b]0;owned\u0007\nlast',
        retryAfter: 5,
      })
    return { host: '10.0.0.5', port: 49_150 }
  },
  bring: async () => {
    throw new Error('a wake does not ask for this')
  },
  prove: async () => {},
  judge: async () => [],
  progress: () => null,
  onProgress: (listener) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  },
}

let stage: CliStage
beforeAll(async () => {
  stage = await openCliStage({ control, engines: { at: () => engine } })
  const host = { name: 'h1', address: '10.0.0.5', engine: 'unix:///none', publish: '10.0.0.5' }
  const more = { labels: { zone: 'a', disk: 'ssd' }, disk: 5 * 1024 ** 3 }
  await stage.store.put(
    '/services/hosts/h1',
    JSON.stringify({ ...host, cpus: 2, memory: 4e9, ...more }),
  )
  for (const name of ['good', 'bad'])
    expect((await stage.cli(['app', 'add', name, '--image', 'a:1'])).code).toBe(0)
  await vi.waitFor(async () => expect((await stage.cli(['hosts'])).out).toContain('h1'), 5000)
})
afterAll(() => stage.close())

describe('wake', () => {
  test('shows the phases, then the URL and how long it took', async () => {
    const { code, out, err } = await stage.cli(['wake', 'GOOD'])
    expect(code).toBe(0)
    expect(out).toMatch(/^good is ready at http:\/\/127\.0\.0\.1:8080\/good\/ \([0-9.]+ s\)\n$/)
    const phases = err.trimEnd().split('\n')
    expect(phases[0]).toMatch(/^good queued {2}[0-9.]+ s$/)
    expect(phases[1]).toMatch(/^good pulling 43 % /)
    expect(phases[2]).toMatch(/^good waiting \(\\u001b\[2Jhealth\) /)
    expect(isPlain(err)).toBe(true)
  })

  test('draws over one line on a terminal, and leaves it empty', async () => {
    const { err } = await stage.cli(['wake', 'good'], { live: true })
    expect(err).not.toContain('\n')
    expect(err).toContain('\r\u001b[Kgood pulling 43 %')
    expect(err.endsWith('\r\u001b[K')).toBe(true)
    expect(isPlain(err.replaceAll('\r\u001b[K', ''))).toBe(true)
  })

  test('prints each step as a line of JSON', async () => {
    const { code, out, err } = await stage.cli(['wake', 'good', '--json'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const steps = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(steps.at(1)).toMatchObject({ event: 'progress', phase: 'pulling', percent: 43.7 })
    expect(steps.at(-1)).toEqual({
      event: 'ready',
      app: 'good',
      endpoint: '10.0.0.5:49150',
      url: 'http://127.0.0.1:8080/good/',
    })
  })

  test('of an app that fails gives the reason and its last lines, and exits with 1', async () => {
    const { code, out, err } = await stage.cli(['wake', 'bad'])
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(
      /^error: The app could not be started: exited with code 3\\u001b\]0;owned\\u0007$/m,
    )
    expect(err).toContain('The last lines of bad:\n  first\n')
    expect(err).toContain('Another try makes sense in 5 s.')
    expect(isPlain(err)).toBe(true)
    const json = await stage.cli(['wake', 'bad', '--json'])
    expect(json.code).toBe(1)
    const last = json.out.trimEnd().split('\n').at(-1) ?? ''
    expect(JSON.parse(last)).toMatchObject({ event: 'failed', problem: { status: 503 } })
  })

  test('of a name nobody knows says so', async () => {
    const { code, err } = await stage.cli(['wake', 'nobody'])
    expect(code).toBe(1)
    expect(err).toContain('No such app')
  })
})

describe('logs', () => {
  test('prints each line as one plain line', async () => {
    const { code, out } = await stage.cli(['logs', 'bad'])
    expect(code).toBe(0)
    expect(out.trimEnd().split('\n')).toHaveLength(LINES.length)
    expect(isPlain(out)).toBe(true)
    expect((await stage.cli(['logs', 'bad', '-n', '1'])).out).toBe('last\n')
    expect((await stage.cli(['logs', 'bad', '--raw'])).out).toBe(`${LINES.join('\n')}\n`)
    const json = await stage.cli(['logs', 'bad', '--json', '-n', '3'])
    expect(
      json.out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).line),
    ).toEqual(LINES.slice(-3))
  })

  test('follows until Ctrl-C, which is a good end', async () => {
    const ctrlC = new AbortController()
    const { code, out, err } = await stage.cli(['logs', 'bad', '-f'], {
      signal: ctrlC.signal,
      onOut: (text) => {
        if (text === 'last\n') ctrlC.abort()
      },
    })
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('first\n')
  })

  test('of an app without a container says so', async () => {
    const { code, err } = await stage.cli(['logs', 'good'])
    expect(code).toBe(1)
    expect(err).toContain('it has no container to read from')
  })
})

test('ps lists instances, of one app or of all.', async () => {
  const { out } = await stage.cli(['ps'])
  expect(out).toMatch(
    /^APP +READY +SLOT +STATE +HOST +ENDPOINT\nbad +0\/1 +0 +exited \(3\) +h1 +-\n$/,
  )
  expect(JSON.parse((await stage.cli(['ps', 'good', '--json'])).out)).toEqual([])
  expect((await stage.cli(['ps', 'good'])).err).toBe('good has not been started yet.\n')
  const none = await stage.cli(['ps', 'nothere'])
  expect(none).toMatchObject({ code: 1, out: '' })
  expect(none.err).toContain('No such app')
  expect(JSON.parse((await stage.cli(['ps', 'BAD', '--json'])).out)).toMatchObject([
    { app: 'bad', host: 'h1', state: 'exited', exitCode: 3 },
  ])
})

test('app ls and app show tell that the last run crashed.', async () => {
  const { out } = await stage.cli(['app', 'ls'])
  expect(out).toMatch(/^bad +asleep +a:1 +5m +0\/1 +exited \(3\)$/m)
  expect(out).toMatch(/^good +asleep +a:1 +5m +0\/1 +-$/m)
  expect((await stage.cli(['app', 'show', 'bad'])).out).toMatch(/^lastRun +exited \(3\)$/m)
})

test('hosts tells which engines answer, what is free and how they are labelled.', async () => {
  const { out } = await stage.cli(['hosts'])
  expect(out).toMatch(
    /^h1 +ready +- +0 +10\.0\.0\.5 +2 +3\.7 GiB +5\.0 GiB +zone=a,disk=ssd +unix:\/\/\/none$/m,
  )
})

test('sleep of an app that sleeps, and restart, say how it is now.', async () => {
  expect(await stage.cli(['sleep', 'good'])).toMatchObject({ code: 0, out: 'good was asleep\n' })
  const restart = await stage.cli(['restart', 'good'])
  expect(restart.out).toBe('good is ready again at http://127.0.0.1:8080/good/\n')
  const live = await stage.cli(['restart', 'good'], { live: true })
  expect(live.err).toContain('\r\u001b[Kgood: its open requests may end')
  expect(live.err.endsWith('\r\u001b[K')).toBe(true)
  const both = await stage.cli(['sleep', 'good', 'nobody', 'bad'])
  expect(both).toMatchObject({ code: 1, out: 'good was asleep\n' })
  expect(both.err).toContain(
    'nobody: No such app\n  See which there are: reveille app ls\n  Done before: good\n  Not tried: bad',
  )
  const json = await stage.cli(['restart', 'good', '--json'])
  expect(JSON.parse(json.out)).toEqual([{ app: 'good', endpoint: '10.0.0.5:49150' }])
})

test('events prints one plain line for each, until Ctrl-C.', async () => {
  const ctrlC = new AbortController()
  const tell = (detail: string): void => {
    for (const listener of listeners) listener({ app: 'good', phase: 'failed', detail })
  }
  const knock = setInterval(() => HOSTILE.forEach(({ value }) => tell(value)), 50)
  const { code, out, err } = await stage
    .cli(['events'], {
      signal: ctrlC.signal,
      onOut: (text) => {
        expect(text).toMatch(/^\d\d:\d\d:\d\d {2}failed {2}app=good {2}detail=.*\n$/)
        if (text.includes('del\\u007f')) ctrlC.abort()
      },
    })
    .finally(() => clearInterval(knock))
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(isPlain(out)).toBe(true)
})
