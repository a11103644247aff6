import type { Container } from '../model/container.ts'
import { Origins } from '../model/origin.ts'
import { Engine } from './docker.ts'

/** An engine as launchers see it: without containers that are ours by a label of their image, see {@link Origins}. */
export class OwnEngine extends Engine {
  readonly #origins = new Origins(this)

  override async list(): Promise<Container[]> {
    const all = await super.list()
    this.#origins.retain(all)
    return await this.#origins.own(all)
  }

  override async inspect(...asked: Parameters<Engine['inspect']>): Promise<Container | null> {
    const found = await super.inspect(...asked)
    const [own = null] = found ? await this.#origins.own([found]) : []
    return own
  }
}
