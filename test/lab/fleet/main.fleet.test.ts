import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { ask } from '../../system/client.ts'
import { command } from '../command.ts'
import { RUNS, sweepDeadRuns } from '../open-run.ts'
import { type Part, startPart } from '../part.ts'
import { RUN_VARIABLE, type Run } from '../run.ts'
import { traces } from '../traces.ts'

/** Outside of our own run: it takes one of its own, as in a terminal. */
const LAB = [
  ...['-u', RUN_VARIABLE, process.execPath, '--import', 'tsx'],
  join(import.meta.dirname, 'main.ts'),
]

let lab: Part
afterEach(() => lab?.kill())

/** `npm run lab` with as little as there can be. */
async function play(): Promise<Run> {
  const one = ['hosts', 'members', 'gateways', 'launchers'].map((kind) => `--${kind}=1`)
  lab = await startPart('env', [...LAB, ...one], process.cwd())
  await lab.until(async () => lab.output.includes('Ctrl-C takes it down'), 60_000)
  const [, number = ''] = /10\.94\.([0-9]+)\./.exec(lab.output) ?? []
  return { folder: join(RUNS, number), slot: Number(number) }
}

it('is played with from another terminal, and leaves nothing after Ctrl-C', async () => {
  const run = await play()
  const say = (...words: string[]) => command('env', ...LAB, '--run', `${run.slot}`, ...words)
  const [, origin = ''] = /curl (http:\S+)\/A\//.exec(lab.output) ?? []
  expect((await ask(origin, '/A/name')).text).toContain('"name":"A"')
  expect((await ask(origin, '/demo-x/name')).text).toContain('"name":"demo-x"')
  expect(await say('partition', 'h1', 'l1')).toBe('')
  expect(await say('status')).toMatch(/^h1 .* dockerd [0-9]+ .*cut off from l1$/m)
  await say('crash', 'h1')
  expect(await say('status')).toMatch(/^h1 .* dockerd \(ended\) .*off, cut off from l1$/m)
  await expect(say('crash', 'h7')).rejects.toThrow('there is no machine h7')
  process.kill(lab.pid, 'SIGINT')
  await lab.gone
  expect(await traces(run)).toEqual([])
})

it('leaves nothing after kill -9 and the next run', async () => {
  const run = await play()
  await lab.kill()
  expect(await traces(run)).not.toEqual([])
  await sweepDeadRuns()
  expect(await traces(run)).toEqual([])
})
