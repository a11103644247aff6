import type { Keys } from '../../model/key.ts'
import type { Progress } from '../../model/progress.ts'
import { Claim } from '../../model/record.ts'
import type { Change } from '../catalog.ts'

/** Something an operator or a script may wait for. `time` is this launcher's clock, for people. */
export interface Occurrence {
  type: 'registered' | 'removed' | 'waking' | 'ready' | 'failed' | 'sleeping' | 'asleep'
  app: string
  slot?: number
  /** with `registered`: host:port */
  endpoint?: string
  /** with `waking`: where the wake is */
  phase?: Progress['phase']
  /** with `waking`, while pulling: 0 to 100 */
  percent?: number
  /** with `failed`: the reason */
  detail?: string
}

/** Reads what happened out of what changed in etcd. Lists repeat what is known: only news is told. */
export class Chronicle {
  readonly #keys: Keys
  /** host:port by endpoint key */
  readonly #endpoints = new Map<string, string>()
  /** keys of claims that put a slot to sleep */
  readonly #sleeping = new Set<string>()

  constructor(keys: Keys) {
    this.#keys = keys
  }

  read(batch: readonly Change[]): Occurrence[] {
    return batch.flatMap((change) => this.#read(change) ?? [])
  }

  #read(change: Change): Occurrence | null {
    const text = change.type === 'put' ? change.entry.key : change.key
    const key = this.#keys.parse(text)
    if (key?.kind !== 'endpoint' && key?.kind !== 'claim') return null
    const { app, slot } = key
    if (key.kind === 'claim') {
      const known = this.#sleeping.has(text)
      if (change.type === 'put' && isSleep(change.entry.value)) {
        this.#sleeping.add(text)
        return known ? null : { type: 'sleeping', app, slot }
      }
      this.#sleeping.delete(text) // gone, or taken back by a wake
      const awake = this.#endpoints.has(this.#keys.endpoint(app, slot))
      return known && !awake && change.type === 'delete' ? { type: 'asleep', app, slot } : null
    }
    const known = this.#endpoints.get(text)
    if (change.type === 'delete')
      return this.#endpoints.delete(text) ? { type: 'removed', app, slot } : null
    const endpoint = change.entry.value
    this.#endpoints.set(text, endpoint)
    return known === endpoint ? null : { type: 'registered', app, slot, endpoint }
  }
}

/** A step of a wake, as an occurrence. */
export function tell({ app, phase, percent, detail }: Progress): Occurrence {
  if (phase === 'ready') return { type: 'ready', app }
  if (phase === 'failed') return { type: 'failed', app, ...(detail && { detail }) }
  return { type: 'waking', app, phase, ...(percent !== undefined && { percent }) }
}

function isSleep(value: string): boolean {
  try {
    return Claim.parse(JSON.parse(value)).action === 'sleep'
  } catch {
    return false
  }
}
