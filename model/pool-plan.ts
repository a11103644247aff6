import { z } from 'zod'
import { formatEndpoint, parseEndpoint } from './endpoint.ts'
import { expectation } from './expectation.ts'
import { isAppName } from './name.ts'
import { POOL_SLOTS, Pool } from './pool.ts'
import { expandRange } from './range.ts'
import { whole } from './whole.ts'

/** Most places that one process looks at: two timeouts for a round of the prober, if all are silent. */
export const MOST_TARGETS = 800

/** A list as people type it: separated by spaces or line ends, or an array. */
const spaced = <T extends z.ZodType>(item: T, most: number) =>
  z.preprocess(
    (input) => (typeof input === 'string' ? input.split(/\s+/).filter(Boolean) : input),
    z.array(item, 'must be a list separated by spaces').max(most, `must be at most ${most}`),
  )

const SERVER = 'must be address:port, or an IPv4 address for port 80'
/** A server; without a port it is at 80, as in a proxy's configuration. */
const Server = z.string(SERVER).transform((text, context) => {
  const endpoint = parseEndpoint(text) ?? parseEndpoint(`${text}:80`)
  if (endpoint) return formatEndpoint(endpoint)
  context.addIssue({ code: 'custom', message: `${text.slice(0, 60)}: ${SERVER}` })
  return z.NEVER
})

/** Servers as one text or a list of texts. */
export const Servers = spaced(Server, POOL_SLOTS)

const RANGE = `must be like 10.0.0.5, 10.0.0.5-10.0.0.20 or 10.0.0.0/27, of at most ${MOST_TARGETS} addresses`
const Range = z.string(RANGE).refine((text) => expandRange(text, MOST_TARGETS) !== null, RANGE)
const Port = z.preprocess(
  (input) => (typeof input === 'string' && /^[1-9][0-9]{0,4}$/.test(input) ? Number(input) : input),
  whole(1, 65_535),
)

const PATH = 'must be a path like /health'
/** Where servers of a pool may be, and what they answer. */
export const Scan = z.strictObject({
  addresses: spaced(Range, 64),
  ports: z.preprocess(
    (input) => (typeof input === 'number' ? [input] : input),
    spaced(Port, 64).default([80]),
  ),
  path: z
    .string(PATH)
    .max(512)
    .regex(/^\/[\x21-\x7e]*$/, PATH)
    .default('/'),
  ...expectation,
})
export type Scan = z.output<typeof Scan>

/** What one process keeps of a pool: its record, and who is in it. */
export interface PoolPlan {
  pool: Pool
  /** always in, host:port */
  servers: string[]
  scan: Scan[]
}

/** A pool as a file of pools has it, under its name. */
const Entry = z
  .looseObject({
    servers: Servers.default([]),
    scan: z.preprocess(
      (input) => (input === undefined || Array.isArray(input) ? input : [input]),
      z.array(Scan).max(16).default([]),
    ),
  })
  .transform((entry, context) => {
    const { servers, scan, ...pool } = entry
    const parsed = Pool.omit({ name: true }).safeParse(pool)
    if (parsed.success) return { servers, scan, pool: parsed.data }
    for (const { message, path } of parsed.error.issues)
      context.addIssue({ code: 'custom', message, path })
    return z.NEVER
  })

/** A file of pools: `{"static": {"routes": ["/"], "servers": "10.0.0.2:80 10.0.0.3:80"}}`. */
export const PoolFile = z
  .record(z.string().refine(isAppName, 'must be the name of a pool'), Entry)
  .transform((all): PoolPlan[] =>
    Object.entries(all).map(([name, { pool, ...plan }]) => ({ ...plan, pool: { name, ...pool } })),
  )

/** `STATIC_BACKEND` of pool `static`: where its servers may be listed in the environment. */
export function backendVariable(pool: string): string {
  return `${pool.toUpperCase().replaceAll('-', '_')}_BACKEND`
}
