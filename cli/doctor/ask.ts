import { Agent, request } from 'undici'
import { codeOf } from '../failure.ts'

export interface Question {
  method?: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: string
  /** unix socket to ask instead of the URL's host */
  socket?: string
  /** PEM */
  tls?: { ca?: string | Buffer; cert?: string | Buffer; key?: string | Buffer }
}

/** What came back: an answer, or the system's code of why there is none. */
export type Answer =
  | { ok: true; status: number; text: string; date: string | undefined }
  | { ok: false; code: string; message: string }

/** One HTTP request with a deadline, on a connection of its own. Never rejects. */
export async function ask(
  url: string,
  { method = 'GET', headers, body, socket, tls }: Question = {},
): Promise<Answer> {
  const agent = new Agent({
    connect: { ...tls, timeout: 2000, ...(socket !== undefined && { socketPath: socket }) },
  })
  try {
    const reply = await request(url, {
      method,
      dispatcher: agent,
      signal: AbortSignal.timeout(4000),
      ...(headers && { headers }),
      ...(body !== undefined && { body }),
    })
    const text = await reply.body.text()
    return { ok: true, status: reply.statusCode, text, date: one(reply.headers.date) }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const late = error instanceof Error && error.name === 'TimeoutError'
    return { ok: false, code: late ? 'ETIMEDOUT' : codeOf(error), message }
  } finally {
    await agent.destroy()
  }
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header
}

/** The fields of a JSON answer; none where it is no JSON object. */
export function fieldsOf(answer: Answer): Record<string, unknown> {
  if (!answer.ok) return {}
  try {
    const value: unknown = JSON.parse(answer.text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

/** A field as text; '' if it is neither text, number nor switch. */
export function textOf(fields: Record<string, unknown>, name: string): string {
  const value = fields[name]
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
}
