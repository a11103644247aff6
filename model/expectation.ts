import { z } from 'zod'
import { isExpression } from './expression.ts'
import { whole } from './whole.ts'

/** How much of an answer is read, bytes, and how much of that an expression is tried on, characters. */
export const READ = 16_384
const MATCHED = 512

/** A literal, an escape or a class, each with its repetition. */
const SHAPE =
  /^\^?(?:(?:[^\\^$.*+?()[\]{}|]|\\[^a-zA-Z0-9]|\\[dDwWsSnrt]|\.|\[\^?(?:[^\\[\]]|\\[^a-zA-Z0-9]|\\[dwsnrt])+\])(?:[*+?]|\{[0-9](?:,[0-9]?)?\})?)+\$?$/

/** An expression without its escapes and classes, in which a repetition is none. */
const bare = (text: string): string => text.replace(/\\.|\[(?:\\.|[^\]\\])*\]/gs, 'x')
const count = (text: string, what: RegExp): number => bare(text).match(what)?.length ?? 0

/**
 * An expression that is cheap whatever it is tried on: no groups, no alternatives, and one repetition of free length, or
 * two behind a `^`. Over 512 characters that is a few million steps at worst.
 */
const Expression = z
  .string()
  .max(200)
  .regex(SHAPE, 'must be literals, classes and repetitions (up to 9): no groups, no "|"')
  .refine((text) => count(text, /[*+?{]/g) <= 4, 'must have at most 4 repetitions')
  .refine(
    (text) => count(text, /[*+]|\{(?!([0-9])(?:,\1)?\})/g) <= (text.startsWith('^') ? 2 : 1),
    'must have at most 1 repetition of a free length, 2 behind a ^',
  )
  .refine(isExpression, 'must be a regular expression')

/** What a server must answer to belong to a pool; all that is given must hold. */
export const expectation = {
  status: whole(100, 599).optional().describe('any 2xx unless given'),
  startsWith: z.string().min(1).max(200).optional(),
  json: z
    .enum(['array', 'object'], 'must be array or object')
    .optional()
    .describe('the body is JSON, and that'),
  matches: Expression.optional().describe('a restricted regular expression'),
}
const Expectation = z.strictObject(expectation)
export type Expectation = z.output<typeof Expectation>

/** An answer of a server, as much of it as was read. */
export interface Answer {
  status: number
  body: string
  /** whether that is all of it */
  whole: boolean
}

/** Whether an answer is what is expected. A body that is longer than what is read is judged by its beginning. */
export function isExpected({ status, body, whole }: Answer, expected: Expectation): boolean {
  if (expected.status === undefined ? status < 200 || status > 299 : status !== expected.status)
    return false
  if (expected.startsWith !== undefined && !body.startsWith(expected.startsWith)) return false
  if (expected.json !== undefined && !isJson(body, whole, expected.json)) return false
  return expected.matches === undefined || new RegExp(expected.matches).test(body.slice(0, MATCHED))
}

function isJson(body: string, whole: boolean, kind: 'array' | 'object'): boolean {
  const first = /^[ \t\r\n]*(.)/.exec(body)?.[1]
  if (first !== (kind === 'array' ? '[' : '{')) return false
  if (!whole) return true
  try {
    JSON.parse(body)
    return true
  } catch {
    return false
  }
}
