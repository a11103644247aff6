import type { Container } from './container.ts'
import { APP_LABEL } from './label.ts'
import { containerName } from './name.ts'

export interface OriginEngine {
  /** The labels of a container's image, null if it cannot be told. Throws if the engine does not answer. */
  imageLabels(id: string): Promise<Record<string, string> | null>
}

/**
 * Who says that a container is ours. Docker gives a container its image's labels too, so that whoever builds an image
 * could take the route of any app from everybody who runs it. Launchers' containers are known by their name.
 */
export class Origins {
  readonly #engine: OriginEngine
  /** by container id: its image says so */
  readonly #borrowed = new Map<string, boolean>()

  constructor(engine: OriginEngine) {
    this.#engine = engine
  }

  /** Finds out about a container, once: neither its labels nor its image ever change. */
  async learn(container: Container): Promise<void> {
    if (this.isKnown(container)) return
    const labels = await this.#engine.imageLabels(container.id)
    // an image that cannot be asked proves nothing
    this.#borrowed.set(
      container.id,
      labels === null || labels[APP_LABEL] === container.labels[APP_LABEL],
    )
  }

  isKnown({ id, name, labels }: Container): boolean {
    return isOurName(name, labels) || this.#borrowed.has(id)
  }

  isBorrowed(id: string): boolean {
    return this.#borrowed.get(id) ?? false
  }

  forget(id: string): void {
    this.#borrowed.delete(id)
  }

  /** Those of `containers` that are not borrowed. Throws if the engine does not answer. */
  async own(containers: readonly Container[]): Promise<Container[]> {
    await Promise.all(containers.map((container) => this.learn(container)))
    return containers.filter(({ id }) => !this.isBorrowed(id))
  }

  /** Forgets all but those. */
  retain(containers: readonly Container[]): void {
    const ids = new Set(containers.map(({ id }) => id))
    for (const id of this.#borrowed.keys()) if (!ids.has(id)) this.#borrowed.delete(id)
  }
}

/** Whether a launcher named it. An image cannot choose its container's name. */
function isOurName(name: string, labels: Container['labels']): boolean {
  return name === containerName(labels[APP_LABEL] ?? '', Number(labels['reveille.slot'] ?? 0))
}
