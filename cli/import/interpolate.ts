import type { Source } from './document.ts'
import type { Path } from './note.ts'

/** `$$`, `$NAME`, `${NAME}`, `${NAME:-default}` and the like, as compose has them. */
const VARIABLE =
  /\$(?:(?<escaped>\$)|(?<plain>[A-Za-z_][A-Za-z0-9_]*)|\{(?<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?<how>:?[-?+])(?<word>[^{}$]*))?\})/g

/**
 * Replaces variables in all texts of `value`. This process's own environment is none of the file's business: a variable gets
 * the default that the file has for it, or is told in `source.unset`.
 */
export function interpolate(
  value: unknown,
  path: Path,
  source: Pick<Source, 'unset' | 'defaulted'>,
): unknown {
  if (typeof value === 'string') return replaced(value, path, source)
  if (Array.isArray(value))
    return value.map((item, index) => interpolate(item, [...path, index], source))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, interpolate(item, [...path, key], source)]),
  )
}

function replaced(
  text: string,
  path: Path,
  { unset, defaulted }: Pick<Source, 'unset' | 'defaulted'>,
): string {
  return text.replace(VARIABLE, (...match) => {
    const { escaped, plain, name, how = '', word = '' } = match.at(-1) as Record<string, string>
    if (escaped) return '$'
    const variable = plain ?? name ?? ''
    if (how.endsWith('+')) return ''
    if (how.endsWith('-')) {
      defaulted.push({ path, variable, value: word })
      return word
    }
    unset.push({ path, variable })
    return ''
  })
}
