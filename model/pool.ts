import { z } from 'zod'
import { duration } from './duration.ts'
import { parseEndpoint } from './endpoint.ts'
import { AppName } from './name.ts'
import { Routes } from './route.ts'
import { whole } from './whole.ts'

/** How requests are spread over servers: to the least busy one, by the client's address, or by a cookie of ours. */
export const BALANCE = ['least', 'ip_hash', 'sticky'] as const
export type Balance = (typeof BALANCE)[number]

/** Both proxies know weights up to this one. */
const Weight = whole(1, 256)

/** What a Pool says of its servers; an App has the defaults. */
export const balancing = {
  balance: z
    .enum(BALANCE, `must be ${BALANCE.join(', ')}`)
    .default('least')
    .describe('least: to the least busy server; ip_hash: by client address; sticky: by a cookie'),
  weight: Weight.default(1).describe('share of a server beside the others'),
  weights: z
    .record(
      z.string().refine((text) => parseEndpoint(text) !== null, 'must be address:port'),
      Weight,
    )
    .refine((weights) => Object.keys(weights).length <= 100, 'must be at most 100')
    .default({})
    .describe('servers, by address:port, that have another weight'),
  maxFails: whole(0, 1000)
    .default(1)
    .describe('failures within failTimeout after which a server is left out; 0: never'),
  failTimeout: duration(3600).default(5).describe('for how long it is left out'),
}

/** Servers that are no containers of an App, under one name, as `/services/pools/<name>` has it. */
export const Pool = z.strictObject({
  name: AppName,
  routes: Routes.default([]).describe('what leads to it besides its name: [host][/path]'),
  ...balancing,
})
export type Pool = z.output<typeof Pool>
export type PoolInput = z.input<typeof Pool>

/** Slots of a pool: 0 to 99, as of an app. */
export const POOL_SLOTS = 100
