import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const DOCS = join(import.meta.dirname, '../../../docs')
/** What a block begins with: the machines it is typed on, one after the other. */
const PLACE = /^# on (?<machines>(?:one|two|three)(?:, (?:one|two|three))*)\n/

export const MACHINES = ['one', 'two', 'three'] as const
export type MachineName = (typeof MACHINES)[number]

/** Some commands of a page, with where to type them. */
export interface Block {
  page: string
  /** of its first command */
  line: number
  machines: MachineName[]
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
    const machines = (place.groups?.['machines'] ?? '').split(', ') as MachineName[]
    return { page, line, machines, commands: body.slice(place[0].length) }
  })
}
