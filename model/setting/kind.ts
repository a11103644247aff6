import { z } from 'zod'
import { isPlainAddress, parseNetwork } from '../address.ts'
import { formatDuration, parseDuration } from '../duration.ts'
import { parseEndpoint } from '../endpoint.ts'
import { isEngineUrl } from '../engine-url.ts'
import { parseHostLabel } from '../host-label.ts'
import { isId } from '../key.ts'
import { whole } from '../whole.ts'

/** The processes a setting is for; `cli` are the commands that talk to a running cluster. */
export type Service = 'up' | 'controller' | 'launcher' | 'registrar' | 'pool' | 'cli'

export interface Setting<T extends z.ZodType> {
  schema: T
  help: string
  services: Service[]
  /** what the help shows in place of a value: --etcd <urls> */
  value: string
}

/** Joins the parts of a setting. */
export const setting = <T extends z.ZodType>(
  services: Service[],
  value: string,
  schema: T,
  help: string,
): Setting<T> => ({ services, value, schema, help })

/** A list given as an array (file) or separated by commas (flag, environment). */
export const list = <T extends z.ZodType>(item: T) =>
  z.preprocess(
    (input) =>
      typeof input === 'string'
        ? input
            .split(',')
            .map((part) => part.trim())
            .filter(Boolean)
        : input,
    z.array(item),
  )
export const number = (min: number, max: number) =>
  z.preprocess(
    (input) => (typeof input === 'string' && /^[0-9]+$/.test(input) ? Number(input) : input),
    whole(min, max),
  )
export const factor = (min: number, max: number) =>
  z.preprocess(
    (input) =>
      typeof input === 'string' && /^[0-9]+(\.[0-9]+)?$/.test(input) ? Number(input) : input,
    z.number(`must be a number from ${min} to ${max}`).min(min).max(max),
  )
export const seconds = (max = 86_400) =>
  z.preprocess(
    (input) => (typeof input === 'string' ? (parseDuration(input) ?? Number.NaN) : input),
    z
      .number('must be a duration like 30s or 5m')
      .min(1, 'must be at least 1 second')
      .max(max, `must be at most ${formatDuration(max)}`),
  )
const isEndpoint = (text: string): boolean => parseEndpoint(text) !== null
export const listen = z
  .string()
  .refine(isEndpoint, 'must be address:port, like 127.0.0.1:8090 or [::1]:8090')
export const endpoint = z
  .string()
  .refine(
    isEndpoint,
    'must be host:port with a plain IP address, like 10.9.0.1:2379 or [fd00::1]:2379',
  )
/** '' stands for what is worked out. */
export const address = z
  .string()
  .refine((text) => text === '' || isPlainAddress(text), 'must be an IP address like 10.9.0.5')
/** '' stands for what is worked out. */
export const engineUrl = z
  .string()
  .refine(
    (text) => text === '' || isEngineUrl(text),
    'must be unix:///path, tcp://address:port or ssh://user@address, with an IP address',
  )
export const id = z.string().refine(isId, 'must be a name of letters, digits, ".", "_" and "-"')
export const hostLabel = z
  .string()
  .refine(
    (text) => parseHostLabel(text) !== null,
    'must be name=value, like zone=a; letters, digits, ".", "_", "/" and "-"',
  )
export const network = z
  .string()
  .refine((text) => parseNetwork(text) !== null, 'must be a network like 10.9.0.0/16')
export const switched = z.preprocess(
  (input) =>
    input === 'true' || input === '1' || input === ''
      ? true
      : input === 'false' || input === '0'
        ? false
        : input,
  z.boolean(),
)

/** Every process. */
export const ALL: Service[] = ['up', 'controller', 'launcher', 'registrar', 'pool', 'cli']
/** Every process of a cluster. */
export const SERVICES: Service[] = ['up', 'controller', 'launcher', 'registrar', 'pool']
