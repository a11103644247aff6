import { z } from 'zod'
import { parseDuration } from './duration.ts'

/**
 * How deep an instance sleeps, the lightest first. pause: its processes are frozen and keep their memory; stop: they
 * have ended; remove: its container is gone too, its volumes stay.
 */
export const DEPTHS = ['pause', 'stop', 'remove'] as const
export type Depth = (typeof DEPTHS)[number]

/** What is done to an instance once its app is unused for `after` seconds. */
export interface Step {
  how: Depth
  after: number
}

const LONGEST = 30 * 86_400
const FORM =
  'must be stop, pause or remove, then deeper ones after a longer time, like pause,stop:1h,remove:7d'
/** What an App sleeps by that says nothing. */
export const STOP = 'stop'

/** Reads one step; the first one has no time of its own. */
function parseStep(text: string, isFirst: boolean, idleAfter: number): Step | null {
  const [name = '', time, ...rest] = text.split(':')
  const how = DEPTHS.find((depth) => depth === name)
  if (!how || rest.length > 0 || isFirst !== (time === undefined)) return null
  const after = time === undefined ? idleAfter : parseDuration(time)
  return after === null || after > LONGEST ? null : { how, after }
}

/**
 * Reads `stop`, or `pause,stop:1h,remove:7d`: what is done first, at `idleAfter` (seconds), and what deeper after a
 * longer time without use. Null for anything else, and where deeper is not deeper.
 */
export function parseSleep(text: string, idleAfter: number): Step[] | null {
  const steps: Step[] = []
  for (const part of text.split(',')) {
    const step = parseStep(part, steps.length === 0, idleAfter)
    const before = steps.at(-1)
    if (!step || (before && DEPTHS.indexOf(before.how) >= DEPTHS.indexOf(step.how))) return null
    steps.push(step)
  }
  return steps
}

/** Whether each step comes later than the one before. */
export function isInOrder(steps: readonly Step[]): boolean {
  return steps.every((step, index) => index === 0 || step.after > (steps[index - 1]?.after ?? 0))
}

/** Whether what sleeps by `text` is paused first. */
export function pauses(text: string | undefined): boolean {
  return text?.split(',')[0] === 'pause'
}

export const Sleep = z
  .string(FORM)
  .max(64, FORM)
  .refine((text) => parseSleep(text, 1) !== null, FORM)

/** What an App's `sleep` and `idleAfter` must be together; other mistakes are told of where they are. */
export function sleepsInOrder({ sleep, idleAfter }: { sleep: string; idleAfter: number }): boolean {
  const steps = parseSleep(sleep, idleAfter)
  return steps === null || isInOrder(steps)
}

export const outOfOrder = {
  message: 'each of its times must be longer than the one before, and than idleAfter',
  path: ['sleep'],
}
