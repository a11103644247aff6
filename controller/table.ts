import { createHash } from 'node:crypto'
import type { AppPlan } from './plan.ts'

/** 128 bits: sums are of this many. */
const MODULUS = 1n << 128n

/**
 * Running apps as lines in nginx's memory; templates/live/entry.lua says how they look. It knows which of them changed
 * since somebody took them, so that a change costs its own line and not all of them.
 */
export class Table {
  /** by name */
  readonly #lines = new Map<string, string>()
  /** by name, what a line was when it was taken; undefined if there was none */
  readonly #taken = new Map<string, string | undefined>()
  /** by name, lines that nginx does not take: they are not among the others */
  readonly #refused = new Map<string, string>()
  #sum = 0n
  #takenAt = this.revision
  #endpoints = 0

  /**
   * What stands for a table with these lines: the sum of their hashes, 32 hexadecimal digits. What changed is known by
   * itself: it is there to tell a table that somebody else made, an earlier controller or an older file.
   */
  get revision(): string {
    return this.#sum.toString(16).padStart(32, '0')
  }

  /** instances in it */
  get endpoints(): number {
    return this.#endpoints
  }

  /** Whether it is another one than was taken last. */
  get isChanged(): boolean {
    return this.#taken.size > 0
  }

  /**
   * @param app null where no request goes to it
   * @param routed whether a route leads to it
   */
  set(name: string, app: AppPlan | null, routed: boolean): void {
    const line = app ? lineOf(app, routed) : undefined
    if (line !== undefined && line === this.#refused.get(name)) return
    this.#refused.delete(name)
    this.#put(name, line)
  }

  /** Names of apps whose lines nginx does not take. */
  get refused(): Iterable<string> {
    return this.#refused.keys()
  }

  /** Nginx does not take the line of this app that was taken last. One that it has by now is judged anew. */
  refuse(name: string): void {
    const line = this.#lines.get(name)
    if (line === undefined || this.#taken.has(name)) return
    this.#refused.set(name, line)
    this.#put(name, undefined)
  }

  #put(name: string, line: string | undefined): void {
    const before = this.#lines.get(name)
    if (line === before) return
    if (line === undefined) this.#lines.delete(name)
    else this.#lines.set(name, line)
    this.#sum = (this.#sum + hashOf(line) - hashOf(before) + MODULUS) % MODULUS
    this.#endpoints += peersOf(line) - peersOf(before)
    if (!this.#taken.has(name)) this.#taken.set(name, before)
    else if (this.#taken.get(name) === line) this.#taken.delete(name)
  }

  /** All of it, as it is pushed over whatever is there and kept in a file. */
  whole(): string {
    return this.#text('*', this.#lines.values())
  }

  /** What changed since it was taken last, as it is pushed over what it was then. */
  changes(): string {
    const names = [...this.#taken.keys()]
    const lines = names.map((name) => this.#lines.get(name) ?? `${name}\t-`)
    return this.#text(this.#takenAt, lines)
  }

  /** What changes from now on is news. Returns what it is now. */
  take(): string {
    this.#taken.clear()
    this.#takenAt = this.revision
    return this.#takenAt
  }

  #text(before: string, lines: Iterable<string>): string {
    return [`reveille table 1 ${before} ${this.revision}`, ...lines, ''].join('\n')
  }
}

function hashOf(line: string | undefined): bigint {
  if (line === undefined) return 0n
  return BigInt(`0x${createHash('sha256').update(line).digest('hex').slice(0, 32)}`)
}

/** Each has one weight. */
function peersOf(line = ''): number {
  return line.split('*').length - 1
}

function lineOf(app: AppPlan, routed: boolean): string {
  const flags = [
    app.named ? 'n' : '',
    routed ? 'r' : '',
    app.sticky ? 's' : '',
    app.pool ? 'p' : '',
    app.balance === 'ip_hash' ? 'h' : '',
  ]
  const pins = new Map(app.instances.map(({ id, endpoint }) => [endpoint, `#${id}`]))
  const peers = app.endpoints.map(
    (endpoint) => `${endpoint}*${app.weights[endpoint] ?? app.weight}${pins.get(endpoint) ?? ''}`,
  )
  const { name, maxFails, failTimeout, signature } = app
  return [name, flags.join(''), maxFails, failTimeout, signature, peers.join(' ')].join('\t')
}
