import type { VouchStore } from './ports.ts'

/** Milliseconds between looks. A lease that somebody holds is renewed every quarter of its time. */
const LOOK = 1000

/** The leases of others that nobody renews any more: who held them died or was stopped. */
export class Abandoned {
  readonly #store: Pick<VouchStore, 'remaining'>
  readonly #others: () => string[]
  readonly #onNews: () => void
  #leases: ReadonlySet<string> = new Set()
  #timer: NodeJS.Timeout | undefined

  /**
   * @param others leases to look at
   * @param onNews called when one more is abandoned
   */
  constructor(
    store: Pick<VouchStore, 'remaining'>,
    { others, onNews }: { others: () => string[]; onNews: () => void },
  ) {
    this.#store = store
    this.#others = others
    this.#onNews = onNews
  }

  get leases(): ReadonlySet<string> {
    return this.#leases
  }

  start(): void {
    this.#timer = setInterval(() => void this.#look(), LOOK)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  async #look(): Promise<void> {
    const found = new Set<string>()
    for (const lease of this.#others()) {
      const time = await this.#store.remaining(lease).catch(() => null)
      if (time && time.left < time.granted / 2) found.add(lease)
    }
    const isNews = [...found].some((lease) => !this.#leases.has(lease))
    this.#leases = found
    if (isNews) this.#onNews()
  }
}
