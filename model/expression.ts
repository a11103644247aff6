/** Whether `text` is a regular expression at all; what it costs is for others to say. */
export function isExpression(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp
  } catch {
    return false
  }
}
