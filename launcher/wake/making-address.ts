import { type Container, isUp } from '../../model/container.ts'
import { GROUP_LABEL } from '../../model/group.ts'
import { type InstanceSpec, readLabels } from '../../model/label.ts'
import { canonical } from '../../model/name.ts'
import type { Claim } from '../../model/record.ts'
import type { Engine } from '../engine.ts'
import { freshList } from '../place/listing.ts'
import type { ClaimOptions } from '../sleep/slot.ts'
import type { Launch } from './launch.ts'
import { withdraw } from './withdrawal.ts'

/**
 * Makes an address for an app that somebody waits for, where all of its network are taken: stops the sandbox of what
 * sleeps in that network, of those the one that was not used for longest.
 */
export class MakingAddress {
  readonly #options: ClaimOptions

  constructor(options: ClaimOptions) {
    this.#options = options
  }

  /** Returns whether an address was given back. Throws what the engine or etcd refuses. */
  async for({ app, engine, signal }: Pick<Launch, 'app' | 'engine' | 'signal'>): Promise<boolean> {
    const { catalog } = this.#options
    const use = ({ spec }: Sleeper): number => catalog.lastUse(spec.app) ?? 0
    const group = app.group === undefined ? null : canonical(app.group)
    const sleepers = (await freshList(engine))
      .flatMap((container) => readSleeper(container, group))
      .sort((one, other) => use(one) - use(other))
    for (const sleeper of sleepers) {
      signal.throwIfAborted()
      if (await this.#fold(sleeper, engine)) return true
    }
    return false
  }

  /** Under the claim of its slot, so that nobody starts it meanwhile. False if somebody changes or has started it. */
  async #fold({ id, spec: { app, slot } }: Sleeper, engine: Engine): Promise<boolean> {
    const { catalog, store, session } = this.#options
    const { lease } = session
    if (lease === null || catalog.claim(app, slot) || catalog.endpoint(app, slot)) return false
    const owner = this.#options.owner()
    const key = catalog.keys.claim(app, slot)
    const since = this.#options.now().toISOString()
    const claim: Claim = { owner, action: 'sleep', phase: 'stopping', since }
    const written = { key, owner, lease, modRevision: null as string | null }
    let won = true
    try {
      const created = await store.create(key, JSON.stringify(claim), { lease })
      won = created.won
      if (!won) return false
      written.modRevision = created.revision
      const now = await engine.inspect(id)
      if (!now || isUp(now)) return false
      await engine.stopSandbox(id)
      return true
    } finally {
      if (won) void withdraw(written, store, session)
    }
  }
}

interface Sleeper {
  id: string
  spec: InstanceSpec
}

/** A container of the same network that does not run and keeps an address. */
function readSleeper(container: Container, group: string | null): Sleeper[] {
  if (!container.hasSandbox || isUp(container)) return []
  const own = container.labels[GROUP_LABEL]
  if ((own === undefined ? null : canonical(own)) !== group) return []
  const labels = readLabels(container.labels)
  return labels.ok ? [{ id: container.id, spec: labels.spec }] : []
}
