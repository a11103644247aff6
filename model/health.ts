import { z } from 'zod'
import { Argument } from './argument.ts'

const FORMS = 'must be tcp, http:/path, image, auto or command:["..."]'

const SHAPES = [
  z.strictObject({ type: z.literal('auto') }),
  z.strictObject({ type: z.literal('tcp') }),
  z.strictObject({
    type: z.literal('http'),
    path: z
      .string()
      .max(512)
      .regex(/^\/(?!\/)[A-Za-z0-9._~!&'()*+,;=:@%/?-]*$/, 'must be a path like /health'),
  }),
  z.strictObject({ type: z.literal('image') }),
  z.strictObject({
    type: z.literal('command'),
    command: z.array(Argument.min(1)).min(1).max(64),
  }),
] as const
const HealthObject = z.discriminatedUnion('type', SHAPES, FORMS)

/**
 * How an instance shows that it can answer: `auto` (the image's HEALTHCHECK if it has one, else TCP), a TCP
 * connect, an HTTP path that answers 2xx or 3xx, the image's HEALTHCHECK, or a command run inside that exits 0.
 */
export type Health = z.output<typeof HealthObject>

/** Reads `auto`, `tcp`, `image`, `http:/path`, `command:["sh","-c","..."]`; null for anything else. */
export function parseHealth(text: string): Health | null {
  const [type, ...rest] = text.split(':')
  const argument = rest.join(':')
  let value: unknown = { type }
  if (type === 'http') value = { type, path: argument }
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
  if (health.type === 'http') return `http:${health.path}`
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
