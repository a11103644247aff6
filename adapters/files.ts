import { link, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** The text of a file, null if there is none. Throws where it is there and cannot be read. */
export async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

async function sync(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * A file that is replaced in one step and can be put back without room on the disk: the old version keeps its place
 * under a second name until the new one has proved itself.
 */
export class ReplacedFile {
  readonly #path: string
  readonly #candidate: string
  readonly #previous: string
  readonly #mode: number

  /** @param mode who may read what is written: this user alone unless it is said */
  constructor(path: string, mode = 0o600) {
    this.#path = path
    this.#mode = mode
    this.#candidate = `${path}.candidate`
    this.#previous = `${path}.previous`
  }

  /** The text in place, null if there is none. */
  read(): Promise<string | null> {
    return readText(this.#path)
  }

  /**
   * Writes the candidate beside it, down to the disk; returns its path. Leaves nothing behind when it throws.
   * @param text whole, or in pieces that are asked one after the other
   */
  async propose(text: string | Iterable<string>): Promise<string> {
    // One that is left of a process that ended keeps who might read it.
    await this.withdraw()
    try {
      const handle = await open(this.#candidate, 'wx', this.#mode)
      try {
        await writeFile(handle, text)
        await handle.sync()
      } finally {
        await handle.close()
      }
    } catch (error) {
      await this.withdraw()
      throw error
    }
    return this.#candidate
  }

  async withdraw(): Promise<void> {
    await rm(this.#candidate, { force: true })
  }

  async adopt(): Promise<void> {
    await rm(this.#previous, { force: true })
    await link(this.#path, this.#previous).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error // the first one has no previous
    })
    await rename(this.#candidate, this.#path)
    await sync(dirname(this.#path))
  }

  /** Puts the previous version back, if there is one. */
  async restore(): Promise<void> {
    await rename(this.#previous, this.#path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
    await sync(dirname(this.#path))
  }

  async settle(): Promise<void> {
    await rm(this.#previous, { force: true })
  }
}
