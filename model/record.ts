import { z } from 'zod'
import { isPlainAddress } from './address.ts'
import { LIMITS } from './app.ts'
import { isEngineUrl } from './engine-url.ts'
import { isId } from './key.ts'
import { AppName } from './name.ts'

const Id = z.string().refine(isId, 'must be a name like host-1')

const PlainAddress = z.string().refine(isPlainAddress, 'must be an IP address of one machine')

/** A Docker engine with its registrar, as `/services/hosts/<host>` has it. */
export const Host = z.object({
  name: Id,
  address: PlainAddress.describe('IP address under which the instances of this host are reached'),
  engine: z
    .string()
    .refine(isEngineUrl, 'must be unix:///path, tcp://address:port or ssh://user@address')
    .describe('how a launcher reaches the engine: unix:///var/run/docker.sock'),
  publish: PlainAddress.describe('IP address container ports are published on'),
  cpus: z.number(),
  memory: z.number().describe('bytes'),
  labels: z.record(z.string(), z.string()).default({}),
  images: z.array(z.string()).default([]),
  disk: z.number().optional().describe('bytes free where the engine keeps its images'),
  paused: z
    .array(z.string().max(70))
    .optional()
    .describe('instances that sleep frozen, as app/slot, the longest first: they keep their room'),
  incarnation: z.string().max(64).optional().describe('tells machines of one name apart'),
})
export type Host = z.output<typeof Host>

/** A host that gets no instance and is to lose those it has, as `/services/drains/<host>` has it. */
export const Drain = z.object({ since: z.iso.datetime() })
export type Drain = z.output<typeof Drain>

/** The right to exchange the instances of an app one by one, as `/services/rolls/<app>` has it. */
export const Roll = z.object({
  /** unique to this roll: `<launcher id>/<uuid>` */
  owner: z.string().max(200),
  since: z.iso.datetime(),
})
export type Roll = z.output<typeof Roll>

/** The right to change one slot. `phase` only while putting it to sleep. */
export const Claim = z.object({
  /** unique to this claim: `<process id>/<uuid>` */
  owner: z.string().max(200),
  action: z.enum(['wake', 'sleep']),
  /**
   * requested: somebody wants the slot asleep, its registrar has not taken the claim over yet;
   * draining: the route goes away, a wake may still take the claim back; stopping: no way back.
   */
  phase: z.enum(['requested', 'draining', 'stopping']).optional(),
  /** not to be taken back by a wake: part of a restart or a removal */
  firm: z.boolean().optional(),
  since: z.iso.datetime(),
  host: Id.optional().describe('where a wake starts the slot, once that is decided'),
  // Everybody counts these: no more than an App may ask for, so that one bad claim cannot fill or empty a host.
  memory: z
    .number()
    .min(0)
    .max(LIMITS.memory)
    .optional()
    .describe('bytes it promises the instance there'),
  cpus: z
    .number()
    .min(0)
    .max(LIMITS.cpus)
    .optional()
    .describe('CPUs it promises the instance there'),
})
export type Claim = z.output<typeof Claim>

/**
 * Where a group, or an app with volumes, lives, as `/services/homes/<group or app>` has it: it stands while the host
 * does not, so that what is kept there is not begun anew elsewhere.
 */
export const Home = z.object({
  host: Id,
  /** volumes that were made there; while there are any, no other host will do */
  volumes: z.array(AppName).max(1024).default([]),
})
export type Home = z.output<typeof Home>

/** What a gateway runs, as `/services/gateways/<id>` has it. */
export const Gateway = z.object({
  id: Id,
  /** etcd revision up to which every change is live (or rejected), decimal */
  applied: z.string().regex(/^[0-9]{1,20}$/, 'must be a revision'),
  /** number of the running configuration */
  generation: z.number().int(),
  /** endpoints in the running configuration */
  endpoints: z.number().int(),
  listen: z.string().optional().describe('address:port on which it listens'),
  pathPrefix: z.string().optional().describe('what comes before names in paths'),
  rejected: z.array(z.object({ key: z.string(), reason: z.string() })).max(100),
  /** why the last configuration was refused, while it is */
  failure: z.string().optional(),
})
export type Gateway = z.output<typeof Gateway>
