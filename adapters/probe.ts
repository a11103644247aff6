import { get } from 'node:http'
import { connect } from 'node:net'
import { parseAddress } from '../model/address.ts'
import type { Endpoint } from '../model/endpoint.ts'
import { limitHints } from '../model/hint.ts'
import { limit } from './limit.ts'

/** docker-proxy accepts for an app that does not listen, then hangs up: within this many milliseconds. */
const HANG_UP = 15

function isLoopback(host: string): boolean {
  const address = parseAddress(host)
  return address?.family === 4 ? address.bits >> 24n === 127n : address?.bits === 1n
}

/** Asks an instance whether it answers. No answer is ever an error: it is the answer. */
export class Probe {
  readonly #proxied: boolean

  /**
   * @param proxied whether loopback ports are served by docker-proxy, where a connect alone proves nothing: it counts
   * only if it stays open for a moment
   */
  constructor(proxied: boolean) {
    this.#proxied = proxied
  }

  /** Whether a TCP connect succeeds within `timeout` milliseconds. */
  tcp(endpoint: Endpoint, timeout: number, signal: AbortSignal): Promise<boolean> {
    const suspicious = this.#proxied && isLoopback(endpoint.host)
    return new Promise((resolve) => {
      const socket = connect({ host: endpoint.host, port: endpoint.port })
      const finish = (open: boolean): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', stop)
        socket.destroy()
        resolve(open)
      }
      const stop = (): void => finish(false)
      let timer = setTimeout(stop, timeout)
      signal.addEventListener('abort', stop, { once: true })
      socket.once('error', stop)
      socket.once('connect', () => {
        if (!suspicious) return finish(true)
        clearTimeout(timer)
        timer = setTimeout(() => finish(true), HANG_UP)
        // without a reader the end of the stream would not be noticed
        socket.once('end', stop).resume()
      })
      if (signal.aborted) stop()
    })
  }

  /** Whether `GET path` answers 2xx or 3xx within `timeout` milliseconds. The body is not read. */
  http(endpoint: Endpoint, path: string, timeout: number, signal: AbortSignal): Promise<boolean> {
    const ending = limit(signal, timeout)
    const headers = { 'user-agent': 'reveille-registrar', connection: 'close' }
    const answered = new Promise<boolean>((resolve) => {
      const { host, port } = endpoint
      const request = get(
        { host, port, path, headers, agent: false, signal: ending.signal },
        (response) => {
          const status = response.statusCode ?? 0
          resolve(status >= 200 && status < 400)
          response.destroy()
        },
      )
      request.once('error', () => resolve(false))
      limitHints(request)
    })
    return answered.finally(ending.end)
  }
}
