import { z } from 'zod'
import { App } from './app.ts'

/** Fields of an App that change; of `env` and `limits` the ones that are named. */
export type AppPatch = Partial<Omit<App, 'name' | 'env' | 'limits'>> & {
  env?: Record<string, string>
  limits?: Partial<App['limits']>
}

/** The same field where it may be left out: then nothing is said of it, so no default comes in its place. */
function bare(schema: z.core.$ZodType): z.ZodType {
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodOptional
  )
    return bare(schema.unwrap())
  if (schema instanceof z.ZodObject) return z.strictObject(optional(schema.shape))
  return schema as z.ZodType
}

function optional(shape: Record<string, z.core.$ZodType>): Record<string, z.ZodType> {
  return Object.fromEntries(
    Object.entries(shape).map(([name, schema]) => {
      const { description } = schema as z.ZodType
      const field = bare(schema).optional()
      return [name, description === undefined ? field : field.describe(description)]
    }),
  )
}

const { name: _, ...fields } = App.shape

/** What is given to change an App: any of its fields but the name. */
export const AppPatch = z.strictObject(optional(fields)) as unknown as z.ZodType<AppPatch>

/** An App with some of its fields changed, read as a whole: what is right alone may be wrong together. */
export function patch(app: App, { env, limits, ...more }: AppPatch): z.ZodSafeParseResult<App> {
  return App.safeParse({
    ...app,
    ...more,
    env: { ...app.env, ...env },
    limits: { ...app.limits, ...limits },
  })
}
