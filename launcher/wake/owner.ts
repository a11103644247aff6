import { randomUUID } from 'node:crypto'
import type { Catalog, Change } from '../catalog.ts'
import { type ClaimStore, type Written, withdraw } from './withdrawal.ts'

export interface OwnersOptions {
  catalog: Catalog
  store: ClaimStore
  /** the launcher's session: its claims vanish with it */
  session: { readonly lease: string | null }
  id: string
}

/**
 * Who of this launcher has a claim or asks for one. What nobody here has any more is withdrawn, also where it comes back:
 * an etcd that was restored has claims again that were given back, under a lease that lives on, and a request whose
 * answer was lost may come late. Nobody else may take those.
 */
export class Owners {
  readonly #options: OwnersOptions
  /** owner tokens of this process begin so: another one may have the same id */
  readonly #prefix: string
  /** by token: whether etcd told of its claim */
  readonly #known = new Map<string, boolean>()
  /** claims on their way out, by key */
  readonly #leaving = new Map<string, Promise<void>>()

  constructor(options: OwnersOptions) {
    this.#options = options
    this.#prefix = `${options.id}/${randomUUID().slice(0, 8)}/`
    options.catalog.onChange((batch) => this.#look(batch))
  }

  /** A new token, known until it is {@link forget forgotten} or its claim was {@link leave left}. */
  create(): string {
    const owner = `${this.#prefix}${randomUUID()}`
    this.#known.set(owner, false)
    return owner
  }

  /**
   * Whether the claim at a key was this token's and is not any more: removed by hand, or with an etcd that was restored. By
   * what was told, and not by revisions, which such an etcd counts anew.
   */
  hasLost(owner: string, key: string): boolean {
    if (!this.#known.get(owner)) return false
    return this.#options.catalog.state.claims.get(key)?.value.owner !== owner
  }

  /** Whether a token is of this process, and its claim was given back: it is told of a moment longer. */
  hasLeft(owner: string): boolean {
    return owner.startsWith(this.#prefix) && !this.#known.has(owner)
  }

  /** It has written nothing. */
  forget(owner: string): void {
    this.#known.delete(owner)
  }

  /** Gives a claim back, in the background, until that worked. */
  leave(written: Written): void {
    const { store, session } = this.#options
    const { key, owner } = written
    const leaving = withdraw(written, store, session).finally(() => {
      this.#known.delete(owner)
      if (this.#leaving.get(key) === leaving) this.#leaving.delete(key)
    })
    this.#leaving.set(key, leaving)
  }

  /** Resolves when the claim at a key that is being given back is gone; undefined where there is none. */
  leaving(key: string): Promise<void> | undefined {
    return this.#leaving.get(key)
  }

  #look(batch: readonly Change[]): void {
    for (const change of batch) {
      if (change.type !== 'put') continue
      const { key, lease, modRevision } = change.entry
      const owner = this.#options.catalog.state.claims.get(key)?.value.owner
      if (!owner?.startsWith(this.#prefix)) continue
      if (this.#known.has(owner)) this.#known.set(owner, true)
      else this.leave({ key, owner, lease, modRevision })
    }
  }
}
