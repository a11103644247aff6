import type { Logger } from 'pino'
import type { Keys } from '../model/key.ts'
import { Gateway } from '../model/record.ts'
import type { ClusterChange } from './cluster.ts'

/** Says so when a gateway refuses a key of ours: whoever runs a process by hand cannot know its networks. */
export class Refusals {
  readonly #key: string
  readonly #keys: Keys
  readonly #log: Logger
  /** by gateway: the reason last said */
  readonly #said = new Map<string, string>()

  constructor(key: string, keys: Keys, log: Logger) {
    this.#key = key
    this.#keys = keys
    this.#log = log
  }

  /** Takes news of gateway records; other keys are passed over. */
  observe(change: ClusterChange): void {
    if (change.type !== 'put' || this.#keys.parse(change.entry.key)?.kind !== 'gateway') return
    const gateway = read(change.entry.value)
    if (!gateway) return
    const reason = gateway.rejected.find(({ key }) => key === this.#key)?.reason
    if (reason === undefined) this.#said.delete(gateway.id)
    else if (this.#said.get(gateway.id) !== reason) {
      this.#said.set(gateway.id, reason)
      this.#log.warn({ key: this.#key, gateway: gateway.id, reason }, 'a gateway refuses the entry')
    }
  }
}

function read(text: string): Gateway | null {
  try {
    return Gateway.safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null
  }
}
