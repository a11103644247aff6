/** Text that cannot stand in a configuration, whatever quotes are put around it. */
export class QuoteError extends Error {}

/**
 * Makes one word of nginx's configuration language out of `value`: the only way a value gets into a configuration.
 * Inside double quotes nginx knows two escapes, `\"` and `\\`. It has none for a variable, so `$` is refused, and
 * control characters are, since no value of ours has one. Throws QuoteError.
 */
export function quote(value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number')
    throw new QuoteError(`a ${typeof value} cannot be written into a configuration`)
  const text = String(value)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (/[\u0000-\u001f\u007f$]/.test(text))
    throw new QuoteError('a value with "$" or a control character is refused')
  return `"${text.replace(/[\\"]/g, '\\$&')}"`
}
