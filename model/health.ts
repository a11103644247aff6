import { z } from 'zod'
import { Argument } from './argument.ts'

const FORMS = 'must be tcp, http:/path, image, auto, auto:/path or command:["..."]'

const Path = z
  .string()
  .max(512)
  .regex(/^\/(?!\/)[A-Za-z0-9._~!&'()*+,;=:@%/?-]*$/, 'must be a path like /health')

const SHAPES = [
  z.strictObject({ type: z.literal('auto'), path: Path.optional() }),
  z.strictObject({ type: z.literal('tcp') }),
  z.strictObject({ type: z.literal('http'), path: Path }),
  z.strictObject({ type: z.literal('image') }),
  z.strictObject({
    type: z.literal('command'),
    command: z.array(Argument.min(1)).min(1).max(64),
  }),
] as const
const HealthObject = z.discriminatedUnion('type', SHAPES, FORMS)

/**
 * How an instance shows that it can answer: `auto` (the image's HEALTHCHECK if it has one, else the HTTP path if one is
 * given, else TCP), a TCP connect, an HTTP path that answers 2xx or 3xx, the image's HEALTHCHECK, or a command run inside
 * that exits 0.
 */
export type Health = z.output<typeof HealthObject>

/** Reads `auto`, `auto:/path`, `tcp`, `image`, `http:/path`, `command:["sh","-c","..."]`; null for anything else. */
export function parseHealth(text: string): Health | null {
  const [type, ...rest] = text.split(':')
  const argument = rest.join(':')
  let value: unknown = { type }
  if (type === 'http' || (type === 'auto' && rest.length > 0)) value = { type, path: argument }
  else if (type === 'command') {
    try {
      value = { type, command: JSON.parse(argument) }
    } catch {
      return null
    }
  } else if (rest.length > 0) return null
  const parsed = HealthObject.safeParse(value)
  return parsed.success ? parsed.data : null
}

export function formatHealth(health: Health): string {
  if (health.type === 'http' || (health.type === 'auto' && health.path !== undefined))
    return `${health.type}:${health.path}`
  if (health.type === 'command') return `command:${JSON.stringify(health.command)}`
  return health.type
}

/** Accepts the object or its short text form. */
export const HealthCheck = z.union(
  [
    z.string().transform((text, context) => {
      const health = parseHealth(text)
      if (health) return health
      // A branch that is given up loses its message; one that goes on keeps it.
      context.addIssue({ code: 'custom', message: FORMS, continue: true })
      return z.NEVER
    }),
    HealthObject,
  ],
  FORMS,
)
