/** Makes one word of a proxy's configuration language out of a value: the only way a value gets into a configuration. */
export type Quote = (value: unknown) => string

/** Text that cannot stand in a configuration, whatever quotes are put around it. */
export class QuoteError extends Error {}

/**
 * For nginx. Inside double quotes nginx knows two escapes, `\"` and `\\`. It has none for a variable, so `$` is refused, and
 * control characters are, since no value of ours has one. Throws QuoteError.
 */
export const quoteNginx: Quote = (value) => {
  const text = textOf(value)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (/[\u0000-\u001f\u007f$]/.test(text))
    throw new QuoteError('a value with "$" or a control character is refused')
  return `"${text.replace(/[\\"]/g, '\\$&')}"`
}

/**
 * For HAProxy, whose words are read again by what they are for: samples take commas and parentheses apart, formats take
 * `%`, patterns take flags. So there is no quoting that holds everywhere, and this is an allow-list: what addresses, names
 * and paths are made of stands between single quotes, in which HAProxy knows no escape and no variable. Throws QuoteError.
 */
export const quoteHaproxy: Quote = (value) => {
  const text = textOf(value)
  if (!/^[A-Za-z0-9._~:/@+=|?&[\]-]*$/.test(text) || text.startsWith('-'))
    throw new QuoteError('a value with other than letters, digits and ._~:/@+=|?&[]- is refused')
  return `'${text}'`
}

/** By the proxy that reads it. */
export const QUOTES = { nginx: quoteNginx, haproxy: quoteHaproxy } as const

function textOf(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  throw new QuoteError(`a ${typeof value} cannot be written into a configuration`)
}
