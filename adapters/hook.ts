import { request } from 'undici'
import { ModuleHook } from './hook-module.ts'

/** The request that wants to wake an app. */
interface Question {
  name: string
  /** of the client's request */
  method: string
  uri: string
}

/** A body that is longer is no answer. */
const LARGEST = 4_096

/**
 * An isAvailable hook behind an HTTP URL: GET with `name`, `method` and `uri` added to its query. Redirects are not
 * followed: they could lead a launcher to places only it can reach. Throws if no answer comes, or a too long one.
 */
export function httpHook(url: string) {
  return {
    async ask({ name, method, uri }: Question, signal: AbortSignal) {
      const target = new URL(url)
      for (const [key, value] of Object.entries({ name, method, uri }))
        target.searchParams.set(key, value)
      const answer = await request(target, {
        method: 'GET',
        headers: { accept: 'application/json' },
        signal,
      })
      const chunks: Buffer[] = []
      let size = 0
      for await (const chunk of answer.body as AsyncIterable<Buffer>) {
        size += chunk.length
        if (size > LARGEST) throw new Error(`the hook answered more than ${LARGEST} bytes`)
        chunks.push(chunk)
      }
      const body = Buffer.concat(chunks).toString('utf8')
      return { from: 'http' as const, status: answer.statusCode, body }
    },
    async close() {},
  }
}

/** The hook that the setting `available` names; null if it names none. */
export function openHook(setting: string) {
  if (setting === '') return null
  return /^https?:/.test(setting) ? httpHook(setting) : new ModuleHook(setting)
}
