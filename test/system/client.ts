import { createHash } from 'node:crypto'
import { type IncomingHttpHeaders, type RequestOptions, request } from 'node:http'
import { Readable } from 'node:stream'

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  text: string
  /** milliseconds from the call until the connection stood */
  connected: number
  /** milliseconds from the call to the head of the answer, its first byte */
  firstByte: number
  /** milliseconds from the call to the whole answer */
  took: number
}

export interface Ask {
  method?: string
  headers?: Record<string, string>
  /** a Readable is sent chunked */
  body?: string | Buffer | Readable
  /** milliseconds; rejects when they are over */
  timeout?: number
  /** address of this machine to ask from */
  localAddress?: string
}

/** One request on a fresh connection. Rejects on a broken connection, which no test may see as an answer. */
export function ask(origin: string, path: string, options: Ask = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body, timeout = 90_000, localAddress } = options
  const { hostname, port } = new URL(origin)
  const started = performance.now()
  return new Promise((resolve, reject) => {
    const length: Record<string, string> =
      typeof body === 'string' || Buffer.isBuffer(body)
        ? { 'content-length': String(Buffer.byteLength(body)) }
        : {}
    const target: RequestOptions = {
      hostname,
      port,
      path,
      method,
      agent: false,
      ...(localAddress !== undefined && { localAddress }),
      headers: { ...length, ...headers },
      signal: AbortSignal.timeout(timeout),
    }
    let connected = Number.NaN
    const call = request(target, (response) => {
      const firstByte = performance.now() - started
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
          connected,
          firstByte,
          took: performance.now() - started,
        }),
      )
    })
    call.on('socket', (socket) =>
      socket.once('connect', () => {
        connected = performance.now() - started
      }),
    )
    call.on('error', reject)
    if (body instanceof Readable) body.pipe(call)
    else call.end(body)
  })
}

export function sha1(data: Buffer): string {
  return createHash('sha1').update(data).digest('hex')
}

/** Asks until `good` holds or `seconds` are over; returns the last answer. Broken connections count as not good. */
export async function askUntil(
  origin: string,
  path: string,
  good: (answer: Answer) => boolean,
  seconds: number,
  headers: Record<string, string> = {},
): Promise<Answer | null> {
  const end = Date.now() + seconds * 1000
  let last: Answer | null = null
  while (Date.now() < end) {
    // an answer that comes later is none
    last = await ask(origin, path, { headers, timeout: Math.max(1, end - Date.now()) }).catch(
      () => null,
    )
    if (last && good(last)) return last
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return last
}
