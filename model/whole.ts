import { z } from 'zod'

/** A whole number in a range; whatever is wrong with another value, the range is what there is to say. */
export function whole(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}`
  return z.number(error).int({ error, abort: true }).min(min, error).max(max, error)
}
