import { setTimeout as pause } from 'node:timers/promises'
import type { Known } from './difference.ts'

/** What a list of keys says of one. */
export interface Mark {
  key: string
  modRevision: string
}

export interface AuditOptions {
  known: ReadonlyMap<string, Known>
  /** Lists the keys, page by page, as they are now. */
  marks(): AsyncIterable<readonly Mark[]>
  /** milliseconds between two looks, about */
  every: number
  /** The watch told all that is in the list. */
  onEqual(): void
  /** It did not tell of these keys; of none where the list was not to be had. Nothing more is looked at. */
  onBehind(keys: string[]): void
}

/** Milliseconds for news of what is in the list already. */
const ON_ITS_WAY = 500

/**
 * Looks now and then whether a watch told all, which etcd 3.4 and 3.5 may not. Keys and revisions are enough for that: as
 * long as the stream of a watch goes on, etcd is the same one, and a revision stands for one value. So values are not read
 * anew, and nothing of the list is kept.
 */
export class Audit {
  readonly #options: AuditOptions
  /** keys of which the watch told while a list is read: that may be older */
  #told: Set<string> | null = null
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(options: AuditOptions) {
    this.#options = options
    this.#later()
  }

  /** Takes from the watch that this key changed. */
  tell(key: string): void {
    this.#told?.add(key)
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #later(): void {
    const every = this.#options.every * (0.8 + Math.random() * 0.4)
    this.#timer = setTimeout(() => void this.#look(), every)
  }

  async #look(): Promise<void> {
    const told = new Set<string>()
    this.#told = told
    const missed = await this.#missed(told).catch(() => null)
    this.#told = null
    if (this.#stopped) return
    if (missed === null || missed.length > 0) return this.#options.onBehind(missed ?? [])
    this.#options.onEqual()
    this.#later()
  }

  async #missed(told: ReadonlySet<string>): Promise<string[]> {
    const { known, marks } = this.#options
    const seen = new Set<Known>()
    const doubts: string[] = []
    for await (const page of marks())
      for (const { key, modRevision } of page) {
        const one = known.get(key)
        if (one) seen.add(one)
        if (one?.modRevision !== modRevision) doubts.push(key)
      }
    for (const [key, one] of known) if (!seen.has(one)) doubts.push(key)
    const isUntold = (key: string): boolean => !told.has(key)
    if (doubts.some(isUntold)) await pause(ON_ITS_WAY)
    return doubts.filter(isUntold)
  }
}
