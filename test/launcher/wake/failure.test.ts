import { expect, it } from 'vitest'
import { EngineError } from '../../../adapters/docker-error.ts'
import { explain, printable } from '../../../launcher/wake/failure.ts'
import { ProblemError } from '../../../model/problem.ts'

it.each([
  ['no-image', 'start-failed', /^image not found: /],
  ['port-taken', 'start-failed', /^port already in use: /],
  ['not-startable', 'start-failed', /^not startable: /],
  ['no-space', 'start-failed', /^no space left on the host: /],
  ['unreachable', 'unavailable', /^the engine does not answer: /],
] as const)('tells %s as %s', (code, problem, words) => {
  const failure = explain('shop', new EngineError(code, 'in its own words'))
  expect(failure.code).toBe(problem)
  expect(failure.problem).toMatchObject({ app: 'shop', detail: expect.stringMatching(words) })
})

it('passes problems on', () => {
  const problem = new ProblemError('not-ready', { app: 'shop' })
  expect(explain('shop', problem)).toBe(problem)
})

it('makes one plain line of whatever an app writes', () => {
  expect(printable('\u001b[31mred\u001b[0m\tcell\r\n{"level":50}\u0000\u202egpj.exe')).toBe(
    'red cell {"level":50} gpj.exe',
  )
  expect(printable('x'.repeat(1_000))).toHaveLength(200)
})
