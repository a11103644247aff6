import { z } from 'zod'
import { AppName } from '../../model/name.ts'
import type { Problem } from '../../model/problem.ts'

/** Longest detail, characters. */
const DETAIL = 4_000

const ProblemShape = z.object({
  type: z.string().max(200),
  title: z.string().max(200),
  status: z.number().int().min(400).max(599),
  detail: z.string().max(DETAIL).exactOptional(),
  app: z.string().max(63).exactOptional(),
  retryAfter: z.number().int().min(0).max(86_400).exactOptional(),
}) satisfies z.ZodType<Problem>

const Order = z.object({
  kind: z.enum(['waiting', 'problem']),
  problem: ProblemShape,
  app: AppName,
  wantsHtml: z.boolean(),
  retryAfter: z.number().int().min(0).max(86_400),
})

/**
 * The page a gateway is to fetch for a request. It travels from the answer to /wake through the gateway to /page,
 * so any launcher can render it and none has to remember it.
 */
export type Order = z.output<typeof Order>

/** An order must fit into the answer's header, and a gateway keeps 16 KiB for one. */
const LARGEST = 6_000

export function encodeOrder(order: Order): string {
  let json = JSON.stringify(order)
  while (order.problem.detail && isTooLarge(json, order.problem.detail)) {
    order = { ...order, problem: { ...order.problem, detail: shorter(order.problem.detail) } }
    json = JSON.stringify(order)
  }
  return Buffer.from(json).toString('base64url')
}

/** What is read must be what is written: the same limits on both sides. */
function isTooLarge(json: string, detail: string): boolean {
  return Buffer.byteLength(json) > LARGEST || detail.length > DETAIL
}

/** Without its second line, the oldest of the log, or without its second half. */
function shorter(detail: string): string {
  const [reason = '', ...lines] = detail.split('\n')
  if (lines.length > 0) return [reason, ...lines.slice(1)].join('\n')
  return reason.slice(0, reason.length >> 1)
}

/** Reads an order; null if it is none. */
export function decodeOrder(text: string): Order | null {
  if (!/^[A-Za-z0-9_-]{2,60000}$/.test(text)) return null
  try {
    const parsed = Order.safeParse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}
