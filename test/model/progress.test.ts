import { expect, test } from 'vitest'
import { PHASES } from '../../model/progress.ts'

test('the phases of a wake are each named once, and end in ready or failed', () => {
  expect(new Set(PHASES).size).toBe(PHASES.length)
  expect(PHASES.slice(-2)).toEqual(['ready', 'failed'])
})
