import { expect, test } from 'vitest'
import { PROBLEMS, ProblemError, problem } from '../../model/problem.ts'

test('a problem has the type, title and status of its code and what is added', () => {
  expect(problem('unknown-app', { app: 'A', detail: 'There is no app A.' })).toEqual({
    type: 'urn:reveille:problem:unknown-app',
    title: 'No such app',
    status: 404,
    app: 'A',
    detail: 'There is no app A.',
  })
})

test('a thrown problem reads like its detail, or its title', () => {
  expect(new ProblemError('not-ready').message).toBe(PROBLEMS['not-ready'].title)
  const error = new ProblemError('conflict', { detail: 'A is there already' })
  expect(error).toMatchObject({
    message: 'A is there already',
    code: 'conflict',
    problem: { status: 409 },
  })
})

test('every problem is an error status with a title', () => {
  for (const { status, title } of Object.values(PROBLEMS)) {
    expect(status).toBeGreaterThanOrEqual(400)
    expect(title).not.toBe('')
  }
})
