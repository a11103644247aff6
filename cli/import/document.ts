import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
} from 'yaml'
import { misuse } from '../failure.ts'
import { interpolate } from './interpolate.ts'
import type { Path } from './note.ts'

/** What a file says, and where it says it. */
export interface Source {
  /** as messages name it */
  name: string
  data: Record<string, unknown>
  /** variables of a shell that are in it and have no value, by where they are */
  unset: { path: Path; variable: string }[]
  /** variables that got what the file has for who does not set them; `without`: what it has for who does, '' if nothing */
  defaulted: { path: Path; variable: string; value: string; without: string }[]
  /** of the key or item there, or of the last part of the path that is in the file; null where there is no file */
  lineOf(path: Path): number | null
}

/** How often aliases may make what they stand for again: a kilobyte of them could mean gigabytes. */
const ALIASES = 200

/**
 * Reads a compose file.
 * @throws Failure with the line, if it is no YAML, has a key twice, a tag, or aliases without end
 */
export function readDocument(text: string, name: string): Source {
  const lines = new LineCounter()
  const document = parse(text, name, lines)
  const [problem] = [...document.errors, ...document.warnings]
  if (problem) {
    const [message = ''] = problem.message.split(/ at line \d+|\n/)
    throw misuse(`${name}:${lines.linePos(problem.pos[0]).line}: ${plainly(message)}`)
  }
  const data = toData(document, name)
  if (!isRecord(data) || !isRecord(data.services))
    throw misuse(
      `${name}:1: has no services: it is no compose file`,
      'See what one looks like: docs/from/compose.md',
    )
  const source: Source = {
    ...{ name, data, unset: [], defaulted: [] },
    lineOf: (path) => lineOf(document, lines, path),
  }
  source.data = { ...data, services: interpolate(data.services, ['services'], source) }
  return source
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parse(text: string, name: string, lineCounter: LineCounter): Document.Parsed {
  try {
    return parseDocument(text, { lineCounter, merge: true, uniqueKeys: true, prettyErrors: false })
  } catch (error) {
    throw tooMuch(error, name)
  }
}

function toData(document: Document.Parsed, name: string): unknown {
  try {
    // 1.10 is a text to whoever has it in an environment.
    visit(document, {
      Scalar: (_, node) => {
        if (typeof node.value === 'number') node.value = node.source
      },
    })
    return document.toJS({ maxAliasCount: ALIASES })
  } catch (error) {
    throw tooMuch(error, name)
  }
}

const tooMuch = (error: unknown, name: string): Error =>
  misuse(`${name}: ${plainly((error as Error).message)}`)

/** The parser calls itself for each level. */
const plainly = (message: string): string =>
  message.startsWith('Maximum call stack') ? 'it is nested too deeply' : message

function lineOf(document: Document.Parsed, lines: LineCounter, path: Path): number {
  let node: unknown = document.contents
  let at = 0
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document)
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part))
      if (!pair) break
      at = (isScalar(pair.key) && pair.key.range?.[0]) || at
      node = pair.value
    } else if (isSeq(node)) {
      const item = node.items[Number(part)] as { range?: [number] } | undefined
      if (!item) break
      at = item.range?.[0] ?? at
      node = item
    } else break
  }
  return lines.linePos(at).line
}
