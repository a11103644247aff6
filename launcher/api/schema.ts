import type { Readable } from 'node:stream'
import { z } from 'zod'
import { App } from '../../model/app.ts'
import { isId } from '../../model/key.ts'
import { AppName } from '../../model/name.ts'
import { PHASES } from '../../model/progress.ts'
import { Gateway, Host } from '../../model/record.ts'
import { STEPS } from '../roll/roll.ts'
import { PROBLEM_TYPE } from './problems.ts'

/** What requests and answers look like; the OpenAPI document is made from these. */

export const NameParams = z.strictObject({ name: AppName })
export const HostParams = z.strictObject({
  host: z.string().refine(isId, 'must be a name like host-1'),
})
export const NoQuery = z.strictObject({})
export const Progressive = z.strictObject({
  progress: z.enum(['0', '1']).optional().describe('1: stream the progress, as Accept does'),
})

export const Status = z.object({
  state: z.enum(['asleep', 'starting', 'ready', 'stopping']),
  phase: z.enum(PHASES).optional().describe('while this launcher wakes it'),
  slots: z
    .array(z.object({ slot: z.number().int(), endpoint: z.string() }))
    .describe('instances that are ready'),
  missing: z
    .array(AppName)
    .optional()
    .describe('what it depends on and nobody has added: it does not start before that is there'),
  exitCode: z
    .number()
    .int()
    .optional()
    .describe('of the last run, where that ended by itself with an error'),
  blueprint: z.string().optional().describe('what made it, where it is not stored itself'),
  lastUsed: z.iso
    .datetime()
    .nullable()
    .describe('when it was woken, or a gateway saw it used; null if not known'),
  revision: z
    .string()
    .describe('etcd revision of the record (also in the ETag) or of its blueprint'),
})
export type Status = z.output<typeof Status>

/** What an App is stored as: durations in seconds, memory in bytes, health as an object. */
export const AppView = App.safeExtend({ status: Status })
export const Woken = z.object({ app: AppName, endpoint: z.string().describe('host:port') })
export const Slept = z.object({
  app: AppName,
  asked: z.number().int().describe('instances that were told to sleep'),
  state: Status.shape.state.describe('afterwards; not asleep if a request came meanwhile'),
})
export const Removed = z.object({
  name: AppName,
  containers: z.number().int().describe('containers removed'),
  volumes: z.number().int().describe('volumes removed, with all that was in them'),
  unreachable: z.array(z.string()).describe('hosts whose engine did not answer'),
})

export const Replaced = z.object({
  app: AppName,
  revision: z.string().describe('etcd revision of the App now'),
  slots: z.array(z.number().int()).describe('instances that were made anew'),
  removed: z.number().int().describe('containers of the old App that were removed'),
  left: z.array(z.string()).describe('what could not be removed, and why'),
})

export const RollStepView = z.object({
  app: z.string(),
  step: z.enum(STEPS),
  slot: z.number().int().optional(),
  phase: z.enum(PHASES).optional().describe('of a start'),
  detail: z.string().optional(),
})

export const Drained = z.object({
  host: z.string(),
  moved: z.number().int().describe('instances that run elsewhere now'),
  removed: z.number().int().describe('sleeping containers that were removed'),
  left: z
    .array(
      z.object({
        app: z.string(),
        slot: z.number().int(),
        container: z.string().describe('container id'),
        reason: z.string(),
      }),
    )
    .describe('what could not be moved, and why'),
})

export const Undrained = z.object({ host: z.string() })

export const InstanceView = z.object({
  app: z.string(),
  slot: z.number().int(),
  host: z.string().nullable(),
  endpoint: z.string().nullable().describe('host:port while it is ready'),
  state: z.enum(['ready', 'starting', 'stopping', 'asleep', 'exited', 'paused']),
  container: z.string().nullable().describe('container id'),
  exitCode: z.number().int().nullable().describe('of the last run, while it does not run'),
  replicas: z
    .number()
    .int()
    .nullable()
    .describe('instances its app has while it is used; null if there is no such app'),
})

const AmountView = z.object({
  memory: z.number().nullable().describe('bytes; null is no limit'),
  cpus: z.number().nullable(),
  instances: z.number().nullable(),
})
export const PlacementView = z.object({
  app: AppName,
  slot: z.number().int(),
  hosts: z.array(
    z.object({
      host: z.string(),
      verdict: z.enum(['chosen', 'possible', 'refused']),
      rank: z.number().int().nullable().describe('1 is where it would go; null if refused'),
      reason: z.string().nullable().describe('why it is refused, as a failed wake says it'),
      container: z
        .enum(['running', 'paused', 'stopped', 'older', 'nothing'])
        .nullable()
        .describe('what is there of the slot; older is made anew; null if its engine did not say'),
      image: z.boolean().describe('the image is there'),
      siblings: z.number().int().describe('other instances of the app there'),
      promised: AmountView.describe('to what runs or starts there, without this slot'),
      limit: AmountView.describe('what may be promised'),
    }),
  ),
})

export const HostView = Host.extend({
  alive: z.boolean().describe('its engine answers'),
  instances: z.number().int().nullable().describe('running; null if its engine does not answer'),
  drained: z.iso.datetime().nullable().describe('since when it gets nothing new; null if it does'),
})

export const GatewayView = Gateway

const ProblemView = z.object({
  type: z.string().describe('urn:reveille:problem:<code>'),
  title: z.string(),
  status: z.number().int(),
  detail: z.string().optional(),
  app: z.string().optional(),
  retryAfter: z.number().optional().describe('seconds'),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
})

/** A route's answers: the good ones, and a problem for everything else. */
export function answers<T extends Record<number, unknown>>(good: T) {
  return {
    ...good,
    default: {
      description: 'A problem (RFC 9457)',
      content: { [PROBLEM_TYPE]: { schema: ProblemView } },
    },
  }
}

/** An answer that is no JSON: text, sent whole or as a stream. */
export function stream(type: string, description: string) {
  const schema: z.ZodType<string | Readable> = z.string()
  return { description, content: { [type]: { schema } } }
}
