import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../lab/port.ts'
import { sourceRunner } from '../lab/source.ts'
import { type CliStage, openCliStage } from './stage.ts'

let stage: CliStage
beforeAll(async () => {
  stage = await openCliStage()
})
afterAll(() => stage.close())
const run = sourceRunner()

/** The command as a process of its own. */
const start = (argv: string[]) => run(['cli/main.ts', ...argv], stage.env)

test('The process exits with the code of what happened, and without a stack trace.', async () => {
  const fine = await start(['app', 'ls', '--json']).ended
  expect(fine).toEqual({ code: 0, signal: null, out: '[]\n', err: '' })
  const failed = await start(['wake', 'nobody']).ended
  expect(failed).toMatchObject({ code: 1, out: '' })
  expect(failed.err).toMatch(/^error: No such app\b/)
  expect(failed.err).not.toMatch(/^\s+at /m)
  const misused = await start(['wkae']).ended
  expect(misused.code).toBe(2)
})

test('A service that cannot start says why and ends.', async () => {
  const api = new URL(stage.env.REVEILLE_API ?? '').host
  const flags = ['--etcd', stage.etcd.url, '--wake-listen', `127.0.0.1:${await freePort()}`]
  const taken = await start(['launcher', ...flags, '--api-listen', api]).ended
  expect(taken).toMatchObject({ code: 1, signal: null })
  expect(taken.err).toMatch(/^error: .*EADDRINUSE.*\n {2}.*reveille doctor\n$/)
  expect(taken.err).toContain(`${api}: end what has it, or choose another with --api-listen\n`)
  const homeless = await start(['controller']).ended
  expect(homeless).toMatchObject({ code: 2, out: '' })
  expect(homeless.err).toMatch(/^error: the controller needs an etcd\n {2}Name it with --etcd/)
})

test.each(['SIGINT', 'SIGTERM'] as const)('%s ends a stream in order.', async (signal) => {
  const { child, output, ended } = start(['events', '--json'])
  let endpoint = 50_000
  while (!output.out.includes('registered')) {
    expect(child.exitCode).toBeNull()
    expect(endpoint).toBeLessThan(50_400)
    await stage.store.put('/services/clusters/shop', `10.0.0.5:${endpoint++}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  child.kill(signal)
  const { code, err } = await ended
  expect({ code, err }).toEqual({ code: 0, err: '' })
  for (const line of output.out.trimEnd().split('\n'))
    expect(JSON.parse(line)).toMatchObject({ event: 'registered', app: 'shop' })
})

test('A reader that leaves ends it without a word.', async () => {
  const { child, output, ended } = start(['config'])
  child.stdout.destroy()
  const { code } = await ended
  expect(output.err).toBe('')
  expect(code).toBe(0)
})
