import type { Logger } from 'pino'
import type { Keys } from '../model/key.ts'
import { Gateway } from '../model/record.ts'
import type { ClusterChange } from './cluster.ts'

/** Says so when a gateway refuses keys of ours: whoever names addresses by hand cannot know its networks. */
export class Refusals {
  readonly #isOurs: (key: string) => boolean
  readonly #keys: Keys
  readonly #log: Logger
  /** by gateway: key and reason of what was last said */
  readonly #said = new Map<string, ReadonlySet<string>>()

  constructor(isOurs: (key: string) => boolean, keys: Keys, log: Logger) {
    this.#isOurs = isOurs
    this.#keys = keys
    this.#log = log
  }

  /** Takes news of gateway records; other keys are passed over. */
  observe(change: ClusterChange): void {
    if (change.type !== 'put' || this.#keys.parse(change.entry.key)?.kind !== 'gateway') return
    const gateway = read(change.entry.value)
    if (!gateway) return
    const refused = gateway.rejected.filter(({ key }) => this.#isOurs(key))
    const before = this.#said.get(gateway.id)
    for (const { key, reason } of refused)
      if (!before?.has(`${key} ${reason}`))
        this.#log.warn({ key, gateway: gateway.id, reason }, 'a gateway refuses the entry')
    this.#said.set(gateway.id, new Set(refused.map(({ key, reason }) => `${key} ${reason}`)))
  }
}

function read(text: string): Gateway | null {
  try {
    return Gateway.safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null
  }
}
