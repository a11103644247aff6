import type { Logger } from 'pino'
import type { Container, LoneSandbox } from '../model/container.ts'
import type { Cluster } from './cluster.ts'
import { pause } from './pause.ts'
import type { Member } from './roster.ts'

/** The engine, as far as sandboxes and what is in them are ended. */
export interface SandboxEngine {
  inspect(id: string): Promise<Container | null>
  stop(id: string, timeoutSeconds: number): Promise<void>
  stopSandbox(id: string): Promise<void>
  loneSandboxes(): Promise<LoneSandbox[]>
  removeSandbox(id: string): Promise<void>
}

export interface SandboxesOptions {
  engine: SandboxEngine
  cluster: Pick<Cluster, 'claim' | 'terms' | 'until'>
  log: Logger
}

/** Milliseconds between looks for sandboxes that nobody needs: one that is alone at two of them stays so. */
const ROUND = 30_000
/** Milliseconds that somebody who changes the slot has to mend it. */
const PATIENCE = 5_000

/**
 * Sees to it that the two parts of an instance in a sandbox end together: an app that nobody reaches any more is
 * stopped, so that its next wake starts both, and a sandbox that a broken start or a removal by hand left is removed.
 */
export class Sandboxes {
  readonly #options: SandboxesOptions
  /** ids of containers that are being ended */
  readonly #ending = new Set<string>()
  /** ids of sandboxes that were alone at the last look */
  #alone: ReadonlySet<string> = new Set()

  constructor(options: SandboxesOptions) {
    this.#options = options
  }

  /** Looks for sandboxes that nobody needs until `signal` aborts. Does not throw. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.sweep()
      await pause(ROUND, signal)
    }
  }

  /**
   * Stops an instance whose sandbox ended, unless a wake of it does better. Does not throw. The sandbox is stopped with it,
   * should it run: which of them began later is told by the clock, and where that was set back after the sandbox began
   * every start of the app would look like the earlier one.
   */
  async end({ instance: { id, spec } }: Member, signal: AbortSignal): Promise<void> {
    const { engine, cluster, log } = this.#options
    if (this.#ending.has(id)) return
    this.#ending.add(id)
    try {
      const isFree = (): boolean => !cluster.claim(spec.app, spec.slot)
      await cluster.until(isFree, PATIENCE, signal)
      if (signal.aborted || !(await engine.inspect(id))?.isCut) return
      log.warn({ app: spec.app, slot: spec.slot }, 'its sandbox ended: the app is stopped')
      await engine.stop(id, cluster.terms(spec).stopTimeout)
      await engine.stopSandbox(id)
    } catch (error) {
      log.warn({ app: spec.app, reason: (error as Error).message }, 'not stopped')
    } finally {
      this.#ending.delete(id)
    }
  }

  /** One look: removes the sandboxes that were alone at the last one already. Does not throw. */
  async sweep(): Promise<void> {
    const { engine, cluster, log } = this.#options
    try {
      const alone = await engine.loneSandboxes()
      for (const { id, app, slot } of alone) {
        if (!this.#alone.has(id) || cluster.claim(app, slot)) continue
        log.info({ app, slot, container: id.slice(0, 12) }, 'a sandbox without an app is removed')
        await engine.removeSandbox(id)
      }
      this.#alone = new Set(alone.map(({ id }) => id))
    } catch (error) {
      log.debug({ reason: (error as Error).message }, 'sandboxes not looked at')
    }
  }
}
