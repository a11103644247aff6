import { expect, test } from 'vitest'
import type { Child } from '../../../cli/embedded/child.ts'
import { type EngineSurroundings, startOwn } from '../../../cli/embedded/engine.ts'
import { Failure } from '../../../cli/failure.ts'
import { temporaryFolder } from '../../lab/folder.ts'

const LIMITS = { untold: 100, limit: 400 }

/** Waits for an engine that runs, or has ended, and never answers. */
async function wait(failures: number, signal = new AbortController().signal) {
  const folder = await temporaryFolder()
  const told: string[] = []
  let stops = 0
  const lastLines = ['level=error msg="no space left"']
  const child = { failures, lastLines, stop: async () => void stops++ } as unknown as Child
  const around = {
    settings: { stateDir: folder, runDir: folder, dockerCert: '', dockerKey: '', dockerCa: '' },
    ...{ signal, tell: (line: string) => void told.push(line) },
    startChild: () => child,
  } as unknown as EngineSurroundings
  const outcome = await startOwn(around, LIMITS).catch((error: unknown) => error)
  return { outcome, told, stops }
}

test('an engine of our own that runs and does not answer is waited for, and is not done without in silence', async () => {
  const { outcome, told, stops } = await wait(0)
  expect(outcome).toBeInstanceOf(Failure)
  expect((outcome as Failure).message).toMatch(/runs, and did not answer in 0.4 s/)
  expect(told).toEqual(['our Docker engine does not answer yet: waiting'])
  expect(stops).toBe(1)
})

test('one that ends says why, at once', async () => {
  const { outcome, told, stops } = await wait(1)
  expect([outcome, told, stops]).toEqual(['its start fails: no space left', [], 1])
})

test('who ends it meanwhile does not wait', async () => {
  const { outcome, told, stops } = await wait(0, AbortSignal.abort())
  expect(outcome).toBeInstanceOf(Failure)
  expect([told, stops]).toEqual([[], 1])
})
