import { setTimeout as pause } from 'node:timers/promises'
import type { Known } from './difference.ts'

/** What etcd says of itself, all of it as of one revision. */
export interface Since {
  revision: bigint
  /** how many entries there are */
  count: number
  /** keys that changed after a revision and are there, with the revisions of that */
  changed: { key: string; modRevision: string }[]
}

export interface AuditOptions {
  known: ReadonlyMap<string, Known>
  /** revision up to which the watch has told all; when it begins, all is known as of that */
  revision(): bigint
  since(revision: bigint): Promise<Since>
  /** milliseconds between two looks, about */
  every: number
  /** The watch told all there is. */
  onEqual(): void
  /** It did not, or etcd does not say. Nothing more is looked at. */
  onBehind(reason: string): void
}

/** Milliseconds for news of what etcd has already. */
const ON_ITS_WAY = 500

/**
 * Looks now and then whether a watch told all, which etcd 3.4 and 3.5 may not. What it lost since the last look has
 * changed since, or is gone: keys of the one and the number of all show it. No value is read anew, as a revision stands for
 * one as long as etcd is the same, and it is as long as the stream of the watch goes on.
 */
export class Audit {
  readonly #options: AuditOptions
  /** revision of the last look */
  #from: bigint
  /** changes of which the watch told during a look, as what etcd said may be older: of each key the last revision */
  #told = new Map<string, bigint>()
  /** and by how many there were more with each */
  #steps: { revision: bigint; growth: number }[] = []
  #isLooking = false
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(options: AuditOptions) {
    this.#options = options
    this.#from = options.revision()
    this.#later()
  }

  /** Takes from the watch that a key changed, or went, in `revision`, and by how many there are more. */
  tell(key: string, revision: bigint, growth: number): void {
    if (!this.#isLooking) return
    this.#told.set(key, revision)
    this.#steps.push({ revision, growth })
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
    this.#isLooking = true
    const reason = await this.#why().catch((error: Error) => error.message)
    this.#isLooking = false
    this.#told = new Map()
    this.#steps = []
    if (this.#stopped) return
    if (reason !== null) return this.#options.onBehind(reason)
    this.#options.onEqual()
    this.#later()
  }

  /** Why the watch is not to be believed, or null. */
  async #why(): Promise<string | null> {
    const least = this.#options.revision()
    const now = await this.#options.since(this.#from)
    if (now.revision < least) return 'etcd went back in time'
    if (this.#isBehind(now)) await pause(ON_ITS_WAY)
    if (this.#isBehind(now)) return 'etcd did not tell of a change'
    this.#from = now.revision
    return null
  }

  #isBehind({ revision, count, changed }: Since): boolean {
    const { known } = this.#options
    const later = this.#steps.filter((step) => step.revision > revision)
    const size = later.reduce((sum, { growth }) => sum - growth, known.size)
    const isUntold = ({ key, modRevision }: (typeof changed)[number]): boolean =>
      known.get(key)?.modRevision !== modRevision &&
      (this.#told.get(key) ?? 0n) < BigInt(modRevision)
    return size !== count || changed.some(isUntold)
  }
}
