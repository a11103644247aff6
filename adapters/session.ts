import type { Store } from './etcd.ts'

export interface SessionOptions {
  /** For the first and each later lease: put every key of this process under it. The old ones are gone or will be. */
  onLease(lease: string): void
  log: SessionLog
}

export interface SessionLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

const RETRY = 200
/** Milliseconds the wall clock may be put back without a doubt. */
const CLOCK_STEP = 1_000

/**
 * Holds a lease for as long as the process lives: renews it, and when it is lost takes a new one, for ever. Renewal
 * asks etcd whether the lease still is; nothing is concluded from silence but that `valid()` turns false in time.
 */
export class Session {
  readonly #store: Store
  readonly #ttl: number
  readonly #options: SessionOptions
  #lease: string | null = null
  /** on both clocks, when the latest renewal that was answered was sent: no other can have our keys for some time */
  #renewed = { steady: 0, wall: 0 }
  #stopped = false
  #interrupt: () => void = () => {}
  #first: () => void = () => {}
  #running: Promise<void> | null = null

  /** @param ttlSeconds after how long without us etcd drops our keys */
  constructor(store: Store, ttlSeconds: number, options: SessionOptions) {
    this.#store = store
    this.#ttl = ttlSeconds * 1000
    this.#options = options
  }

  /** The lease to put keys under; null before the first and between a loss and the next. */
  get lease(): string | null {
    return this.#lease
  }

  /**
   * Whether our keys are certainly still ours: a renewal was answered that was sent less than 0.8 TTL ago. Ask right
   * before every side effect that only their holder may have. By both clocks: the steady one stands still while the
   * machine sleeps or is a stopped virtual one, the other can be set.
   */
  valid(): boolean {
    const { steady, wall } = this.#renewed
    const bound = 0.8 * this.#ttl
    const passed = Date.now() - wall
    return (
      this.#lease !== null &&
      performance.now() - steady < bound &&
      passed >= -CLOCK_STEP &&
      passed < bound
    )
  }

  /** Begins. Resolves with the first lease, however long that takes, or when stopped. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      this.#first = resolve
      this.#running ??= this.#run()
    })
  }

  /** Asks for the lease at once instead of at the next turn: somebody was told that it is gone. */
  check(): void {
    this.#interrupt()
  }

  /** Ends the session and revokes the lease, so that its keys vanish now. Does not fail: etcd drops them by itself. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#interrupt()
    await this.#running
    const lease = this.#lease
    this.#lease = null
    if (lease === null) return
    await this.#store.revoke(lease).catch((error: Error) => {
      this.#options.log.warn({ reason: error.message }, 'lease not revoked, it will expire')
    })
  }

  async #run(): Promise<void> {
    let failures = 0
    while (!this.#stopped) {
      try {
        await (this.#lease === null ? this.#grant() : this.#renew(this.#lease))
        failures = 0
      } catch (error) {
        failures++
        if (failures === 1)
          this.#options.log.warn(
            { reason: error instanceof Error ? error.message : String(error) },
            this.#lease === null ? 'no lease from etcd yet' : 'lease not renewed',
          )
      }
      if (this.#stopped) break
      if (failures > 0) await this.#pause(RETRY * (0.75 + Math.random() / 2))
      else if (this.#lease !== null) await this.#pause(this.#ttl / 4)
    }
    this.#first()
  }

  async #grant(): Promise<void> {
    const asked = now()
    const lease = await this.#store.grant(this.#ttl / 1000)
    this.#lease = lease
    this.#renewed = asked
    if (this.#stopped) return
    this.#options.log.info({ lease }, 'lease granted')
    try {
      this.#options.onLease(lease)
    } catch (error) {
      this.#options.log.warn({ err: error }, 'a handler of a new lease threw')
    }
    this.#first()
  }

  async #renew(lease: string): Promise<void> {
    const asked = now()
    if (await this.#store.renew(lease, Math.min(1500, this.#ttl / 3))) {
      this.#renewed = asked
      return
    }
    this.#lease = null
    this.#options.log.warn({ lease }, 'lease lost, taking a new one')
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      this.#interrupt = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

function now(): { steady: number; wall: number } {
  return { steady: performance.now(), wall: Date.now() }
}
