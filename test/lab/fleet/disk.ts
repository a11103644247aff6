import { existsSync } from 'node:fs'
import { mkdir, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { command } from '../command.ts'

/** A folder of a machine that may be a file system of its own, so small that it can be filled. */
export class Disk {
  readonly folder: string
  readonly #size: string | undefined

  /** @param size as mount reads it; the machine's own disk unless given, which nobody fills */
  constructor(folder: string, size?: string) {
    this.folder = folder
    this.#size = size
  }

  /** Mounted outside of the machine's own mounts, as it must outlive them; the end of the run looks for it there. */
  async make(): Promise<void> {
    if (existsSync(this.folder)) return
    await mkdir(this.folder, { recursive: true })
    if (this.#size === undefined) return
    const options = `size=${this.#size},mode=755`
    await command('mount', '-t', 'tmpfs', '-o', options, 'tmpfs', this.folder)
  }

  get #ballast(): string {
    if (this.#size === undefined)
      throw new Error(`${this.folder} is no disk of its own to fill: start the fleet with one`)
    return join(this.folder, 'ballast')
  }

  /** Takes all the space that is left. */
  async fill(): Promise<void> {
    const ballast = this.#ballast
    await rm(ballast, { force: true })
    const { bavail, bsize } = await statfs(this.folder)
    if (bavail > 0) await command('fallocate', '-l', `${bavail * bsize}`, ballast)
  }

  async free(): Promise<void> {
    await rm(this.#ballast, { force: true })
  }
}
