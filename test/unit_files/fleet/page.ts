import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const DOCS = join(import.meta.dirname, '../../../docs')
/** What a block begins with: the machines it is typed on, in any order or one after the other. */
const PLACE = /^# on (?<machines>(?:one|two|three)(?:, (?:then )?(?:one|two|three))*)\n/

export type MachineName = 'one' | 'two' | 'three'

/** Some commands of a page, with where to type them. */
export interface Block {
  page: string
  /** of its first command */
  line: number
  machines: MachineName[]
  /** whether one machine must be done before the next */
  ordered: boolean
  commands: string
}

/**
 * The shell blocks of a page in docs/, in order. Blocks of another language are for reading.
 * @throws Error for a shell block that does not say where it is typed
 */
export function blocksOf(page: string): Block[] {
  const text = readFileSync(join(DOCS, page), 'utf8')
  return [...text.matchAll(/^```sh\n([^]*?)^```$/gm)].map((match) => {
    const body = match[1] ?? ''
    const line = text.slice(0, match.index).split('\n').length + 2
    const place = PLACE.exec(body)
    if (place === null) throw new Error(`docs/${page}:${line - 1} does not say where to type it`)
    const where = place.groups?.['machines'] ?? ''
    const machines = where.split(/, (?:then )?/) as MachineName[]
    const ordered = where.includes('then')
    return { page, line, machines, ordered, commands: body.slice(place[0].length) }
  })
}
