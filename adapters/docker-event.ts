import type { EngineEvent } from '../model/container.ts'
import { APP_LABEL } from '../model/label.ts'
import { jsonLines } from './docker-log.ts'
import { looksLikeSandbox } from './sandbox-image.ts'

/** What to ask the engine for; its own exec events (our probes make them) stay away. */
export const EVENT_FILTERS = {
  type: ['container'],
  label: [APP_LABEL],
  event: ['create', 'start', 'die', 'destroy', 'pause', 'unpause', 'health_status'],
}

const ACTIONS: ReadonlySet<string> = new Set<EngineEvent['action']>([
  'create',
  'start',
  'die',
  'destroy',
  'pause',
  'unpause',
])

interface Message {
  Action?: string
  Actor?: { ID?: string; Attributes?: Record<string, string> }
}

/**
 * Reads one line of the event stream; null for what is no event of interest. Of a sandbox that is its end alone: `cut`,
 * with the id of the sandbox itself.
 */
export function readEvent(line: string): EngineEvent | null {
  let message: Message
  try {
    message = JSON.parse(line) as Message
  } catch {
    return null
  }
  const id = message.Actor?.ID
  const attributes = message.Actor?.Attributes ?? {}
  if (!id || attributes[APP_LABEL] === undefined) return null
  const event = {
    id,
    labels: Object.fromEntries(
      Object.entries(attributes).filter(([name]) => name.startsWith('reveille.')),
    ),
    // read from the text: nanoseconds since 1970 do not fit a number
    time: BigInt(/"timeNano":(\d+)/.exec(line)?.[1] ?? 0),
  }
  const { Action: what = '' } = message
  const { name = '', image } = attributes
  if (looksLikeSandbox({ name, labels: attributes, image }))
    return what === 'die' || what === 'destroy' ? { ...event, action: 'cut' } : null
  const health = /^health_status: (healthy|unhealthy)$/.exec(what)?.[1]
  if (health === 'healthy' || health === 'unhealthy') return { ...event, action: 'health', health }
  if (!ACTIONS.has(what)) return null
  const action = what as EngineEvent['action']
  if (action !== 'die') return { ...event, action }
  return { ...event, action, exitCode: Number(attributes.exitCode ?? 0) }
}

/** Reads the engine's time as RFC 3339 text with up to 9 decimals, as nanoseconds since 1970. */
export function readTime(text: string): bigint {
  const [, seconds = '', fraction = ''] =
    /^([^.]*?)(?:\.(\d+))?(?:Z|[+-]\d\d:\d\d)$/.exec(text) ?? []
  const zone = /(?:Z|[+-]\d\d:\d\d)$/.exec(text)?.[0] ?? 'Z'
  const whole = Date.parse(`${seconds}${zone}`)
  if (Number.isNaN(whole)) return 0n
  return BigInt(whole) * 1_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'))
}

/** Writes nanoseconds since 1970 the way the engine reads `since`. */
export function formatSince(time: bigint): string {
  return `${time / 1_000_000_000n}.${String(time % 1_000_000_000n).padStart(9, '0')}`
}

/** Reads the event stream, one JSON object per line. */
export async function* readEvents(source: AsyncIterable<Buffer>): AsyncGenerator<EngineEvent> {
  for await (const line of jsonLines(source)) {
    const event = readEvent(line)
    if (event) yield event
  }
}
