import { get } from 'node:http'
import type { Endpoint } from '../model/endpoint.ts'
import type { Answer } from '../model/expectation.ts'
import { limit } from './limit.ts'

/**
 * What `GET path` is answered by a server nobody vouches for: status and the first `most` bytes of the body, or null if
 * there is no answer, or not all of that, within `timeout` milliseconds. Redirects are not followed.
 */
export function readAnswer(
  endpoint: Endpoint,
  { path, timeout, most }: { path: string; timeout: number; most: number },
  signal: AbortSignal,
): Promise<Answer | null> {
  const ending = limit(signal, timeout)
  const headers = {
    'user-agent': 'reveille',
    'accept-encoding': 'identity',
    connection: 'close',
  }
  const { host, port } = endpoint
  const options = { host, port, path, headers, agent: false, maxHeaderSize: 8192 }
  return new Promise<Answer | null>((resolve) => {
    const request = get({ ...options, signal: ending.signal }, (response) => {
      const status = response.statusCode ?? 0
      const chunks: Buffer[] = []
      let size = 0
      const finish = (whole: boolean): void => {
        const body = Buffer.concat(chunks).subarray(0, most).toString('utf8')
        resolve({ status, body, whole })
        request.destroy()
      }
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        size += chunk.length
        if (size > most) finish(false)
      })
      response.once('end', () => finish(true))
      response.once('error', () => resolve(null))
      response.once('close', () => resolve(null)) // broken off: an end comes before it
    })
    request.once('error', () => resolve(null))
  }).finally(ending.end)
}
