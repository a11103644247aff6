import type { Gateway } from '../model/record.ts'
import type { Rejection } from '../model/state.ts'

/** Where the record goes: under the lease of this gateway's session. */
export interface RecordStore {
  put(key: string, value: string, options: { lease: string }): Promise<unknown>
}

const LARGEST = 100
const REST = 200

/**
 * Tells the cluster what this gateway runs. Registrars wait for `applied` while they drain, so news goes out at once,
 * then at most five times a second. Failures are tried again: the last news always arrives.
 */
export class GatewayRecord {
  readonly #store: RecordStore
  readonly #key: string
  readonly #onFailure: (error: Error) => void
  #lease: string | null = null
  #value: string | null = null
  #written: string | null = null
  #writing = false
  #stopped = false
  #timer: NodeJS.Timeout | undefined

  constructor(store: RecordStore, key: string, onFailure: (error: Error) => void) {
    this.#store = store
    this.#key = key
    this.#onFailure = onFailure
  }

  /** A new lease: everything under the old one is gone or will be. */
  renew(lease: string): void {
    this.#lease = lease
    this.#written = null
    this.#write()
  }

  publish(gateway: Gateway): void {
    this.#value = JSON.stringify(gateway)
    this.#write()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #write(): void {
    const [lease, value] = [this.#lease, this.#value]
    if (this.#writing || this.#stopped || lease === null || value === null) return
    if (value === this.#written) return
    this.#writing = true
    this.#store
      .put(this.#key, value, { lease })
      .then(
        () => {
          if (lease === this.#lease) this.#written = value
        },
        (error: Error) => this.#onFailure(error),
      )
      .finally(() => {
        this.#timer = setTimeout(() => {
          this.#writing = false
          this.#write()
        }, REST)
      })
  }
}

/** The rejections a record has room for, the same ones for the same state. */
export function listed(rejected: Iterable<Rejection>): Rejection[] {
  return [...rejected].sort((left, right) => (left.key < right.key ? -1 : 1)).slice(0, LARGEST)
}
