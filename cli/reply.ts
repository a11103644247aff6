import { z } from 'zod'
import {
  AppView,
  Drained,
  GatewayView,
  HostView,
  InstanceView,
  PlacementView,
  Removed,
  Replaced,
  RollStepView,
  Slept,
  Undrained,
  Woken,
} from '../launcher/api/schema.ts'
import { Blueprint } from '../model/blueprint.ts'
import { PHASES } from '../model/progress.ts'
import { Failure } from './failure.ts'

// The API's own words for its answers: there is no second copy to keep in step.
export {
  AppView,
  Blueprint,
  Drained,
  PlacementView,
  Removed,
  Replaced,
  RollStepView,
  Slept,
  Undrained,
  Woken,
}
export const Apps = z.object({ apps: z.array(AppView) })
export const Blueprints = z.object({ blueprints: z.array(Blueprint) })
export const Instances = z.object({ instances: z.array(InstanceView) })
export const Hosts = z.object({ hosts: z.array(HostView) })
export const Gateways = z.object({ gateways: z.array(GatewayView) })

/** A `progress` event of a wake. */
export const Step = z.object({
  app: z.string(),
  phase: z.enum(PHASES),
  percent: z.number().optional(),
  detail: z.string().optional(),
})
export type Step = z.output<typeof Step>

/** A problem (RFC 9457), as far as it is shown. */
export const Told = z.object({
  title: z.string(),
  detail: z.string().optional(),
  retryAfter: z.number().optional(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
})

/** Reads an answer; a launcher of another version may have changed the form. */
export function understand<T>(schema: z.ZodType<T>, data: unknown): T {
  const parsed = schema.safeParse(data)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new Failure('the launcher answered something this version does not understand', [
    `${issue?.path.map(String).join('.')}: ${issue?.message}`,
    'Compare `reveille version` here and on the machine of the launcher.',
  ])
}

/** The same for the data of an event. */
export function understandText<T>(schema: z.ZodType<T>, text: string): T {
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch {
    data = undefined
  }
  return understand(schema, data)
}
