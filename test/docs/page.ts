import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const DOCS = join(import.meta.dirname, '../../docs')

/** The blocks of a page that are to be typed (```sh). Each is typed by a test, or left out by name and for a reason. */
export class Page {
  readonly text: string
  private readonly blocks: string[]
  private readonly open: Set<string>

  /** @param path below docs/ */
  constructor(path: string) {
    this.text = readFileSync(join(DOCS, path), 'utf8')
    this.blocks = [...this.text.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block = '']) =>
      block.trim(),
    )
    this.open = new Set(this.blocks)
  }

  /**
   * The block that is `part`, or the one that has it in it, to be typed.
   * @throws Error unless it is one
   */
  block(part: string): string {
    const exact = this.blocks.filter((block) => block === part)
    const found = exact.length > 0 ? exact : this.blocks.filter((block) => block.includes(part))
    if (found.length !== 1) throw new Error(`${found.length} blocks of the page have "${part}"`)
    this.open.delete(found[0] ?? '')
    return found[0] ?? ''
  }

  /** The commands of a block, one each: lines that end in a backslash go on. */
  lines(part: string): string[] {
    return this.block(part)
      .replaceAll(/\\\n\s*/g, '')
      .split('\n')
  }

  /** Says of a block that no test types it, and why. */
  leave(part: string, _why: string): void {
    this.block(part)
  }

  /** Blocks of which nothing is known yet: none, at the end of a page's tests. */
  get left(): string[] {
    return [...this.open]
  }
}
