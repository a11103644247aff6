import type { Source } from './document.ts'
import type { Path } from './note.ts'

/** `$$`, `$NAME`, `${NAME}`, `${NAME:-default}` and the like, as compose has them; `odd` is all that is more than these. */
const VARIABLE =
  /\$(?:(?<escaped>\$)|(?<plain>[A-Za-z_][A-Za-z0-9_]*)|\{(?<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?<how>:?[-?+])(?<word>[^{}$]*))?\}|\{(?<odd>[^}]*))/g

/**
 * Replaces variables in all texts of `value`. This process's own environment is none of the file's business: no variable has
 * a value, so each gets what the file has for that case, told in `source.defaulted`, or is told in `source.unset`.
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
    const groups = match.at(-1) as Record<string, string>
    const { escaped, plain, name, how = '', word = '', odd = '' } = groups
    if (escaped) return '$'
    const variable = plain ?? name ?? /^\w*/.exec(odd)?.[0] ?? ''
    if (/[-+]$/.test(how)) {
      const isDefault = how.endsWith('-')
      const value = isDefault ? word : ''
      defaulted.push({ path, variable, value, without: isDefault ? '' : word })
      return value
    }
    unset.push({ path, variable })
    return ''
  })
}
