import type { Readable } from 'node:stream'
import type { Agent } from 'undici'
import { PROBLEMS } from '../model/problem.ts'
import { codeOf, Failure, Gone, Refusal } from './failure.ts'
import { Told } from './reply.ts'
import { eventsOf, linesOf, type StreamEvent } from './stream.ts'

export interface ApiOptions {
  /** where a launcher's private API is: http://127.0.0.1:8091 */
  url: string
  token: string
  /** where the token is from, as a sentence */
  tokenSource?: string
  /** ends every call under way */
  signal: AbortSignal
}

interface Call {
  body?: unknown
  headers?: Record<string, string>
  /** waits however long it takes: for what drains and stops instances, only a launcher knows how long that may be */
  patient?: boolean
}

/** Seconds until an answer must be there; streams and what is waited for patiently have no limit. */
const DEADLINE = 30

/** What to do about a name that nobody knows. `path`: what was asked for */
function namesOf(path: string, title: string): string[] {
  if (title === PROBLEMS['unknown-app'].title) return ['See which there are: reveille app ls']
  return path.startsWith('/v1/blueprints/') ? ['See which there are: reveille blueprint ls'] : []
}

interface Reply {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Readable & { text(): Promise<string> }
}

/** The private API as a script would use it. Every error is a Failure that says what to do. */
export class Api {
  readonly #options: ApiOptions
  #agent: Agent | null = null

  constructor(options: ApiOptions) {
    this.#options = options
  }

  async get(path: string): Promise<unknown> {
    return this.#json('GET', path, {})
  }

  async send(method: 'POST' | 'PUT' | 'DELETE', path: string, call: Call = {}): Promise<unknown> {
    return this.#json(method, path, call)
  }

  /** What is there, with the revision to send back as `if-match`; '' if the API names none. */
  async read(path: string): Promise<{ value: unknown; etag: string }> {
    const reply = await this.#call('GET', path, {})
    return { value: await this.#parse(reply), etag: String(reply.headers.etag ?? '') }
  }

  /** Server-sent events until the server or the signal ends them. */
  async *events(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    body?: unknown,
  ): AsyncGenerator<StreamEvent> {
    const reply = await this.#call(method, path, {
      ...(body !== undefined && { body }),
      patient: true,
      headers: { accept: 'text/event-stream' },
    })
    if (!String(reply.headers['content-type']).startsWith('text/event-stream'))
      throw this.#foreign(reply.status)
    yield* eventsOf(this.#lines(reply))
  }

  /** A text stream, line by line. */
  async *lines(path: string): AsyncGenerator<string> {
    yield* this.#lines(
      await this.#call('GET', path, {
        patient: true,
        headers: { accept: 'text/plain' },
      }),
    )
  }

  async close(): Promise<void> {
    await this.#agent?.destroy()
  }

  async *#lines(reply: Reply): AsyncGenerator<string> {
    try {
      yield* linesOf(reply.body)
    } catch {
      const { signal, url } = this.#options
      if (signal.aborted) return
      throw new Gone(`the launcher at ${url} went away`, [
        'Run this again once it is back, or name another with --api or REVEILLE_API.',
      ])
    }
  }

  async #json(method: string, path: string, call: Call): Promise<unknown> {
    return this.#parse(await this.#call(method, path, call))
  }

  async #parse(reply: Reply): Promise<unknown> {
    const text = await reply.body.text()
    if (text === '') return null
    try {
      return JSON.parse(text)
    } catch {
      throw this.#foreign(reply.status)
    }
  }

  async #call(
    method: string,
    path: string,
    { body, headers, patient = false }: Call,
  ): Promise<Reply> {
    const signals = [this.#options.signal]
    if (!patient) signals.push(AbortSignal.timeout(DEADLINE * 1000))
    let reply: Reply
    try {
      // Loaded by the first call: `up` makes none, unless it is a demo.
      const { Agent, request } = await import('undici')
      this.#agent ??= new Agent({ bodyTimeout: 0, headersTimeout: 0, connect: { timeout: 5000 } })
      const answer = await request(this.#options.url.replace(/\/$/, '') + path, {
        method: method as 'GET',
        dispatcher: this.#agent,
        signal: AbortSignal.any(signals),
        headers: {
          accept: 'application/json',
          ...(this.#options.token !== '' && { authorization: `Bearer ${this.#options.token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      reply = { status: answer.statusCode, headers: answer.headers, body: answer.body }
    } catch (error) {
      throw this.#explain(error)
    }
    if (reply.status >= 400) throw this.#refusal(reply.status, path, await reply.body.text())
    return reply
  }

  #refusal(status: number, path: string, text: string): Failure {
    let data: unknown
    try {
      data = JSON.parse(text)
    } catch {
      return this.#foreign(status)
    }
    const told = Told.safeParse(data)
    if (!told.success) return this.#foreign(status)
    if (status === 401)
      return new Refusal(status, `the API at ${this.#options.url} did not accept the token`, [
        this.#options.tokenSource ?? '',
        'Give the right one with --token or REVEILLE_TOKEN. If another `reveille up` is the one that answers there, name its --state-dir.',
      ])
    const { title, detail, errors = [], retryAfter } = told.data
    const hints = errors.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
    if (status === 404) hints.push(...namesOf(path, title))
    if (retryAfter !== undefined) hints.push(`Another try makes sense in ${retryAfter} s.`)
    return new Refusal(status, detail === undefined ? title : `${title}: ${detail}`, hints)
  }

  #foreign(status: number): Failure {
    return new Failure(
      `${this.#options.url} is not the API of a launcher (it answered ${status})`,
      ['Name the right one with --api or REVEILLE_API; a launcher shows it as api-listen.'],
    )
  }

  #explain(error: unknown): Failure {
    const { url, signal } = this.#options
    if (signal.aborted) return new Failure('interrupted')
    if (error instanceof Error && error.name === 'TimeoutError')
      return new Failure(`${url} did not answer in time`, ['See how it is: reveille doctor'])
    const code = codeOf(error)
    if (code === 'ECONNREFUSED')
      return new Failure(`no launcher answers at ${url}`, [
        'Start one: reveille up, or its unit (systemctl start reveille-launcher). Or name another with --api or REVEILLE_API.',
      ])
    const message = error instanceof Error ? error.message : String(error)
    return new Failure(`cannot reach ${url}: ${message}`, [
      'Name the right one with --api or REVEILLE_API; see what is wrong: reveille doctor',
    ])
  }
}
