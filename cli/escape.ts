// Controls (C0, DEL, C1), line and paragraph separators, and what turns the direction of text around: each could
// forge a line or steer the terminal of whoever reads it.
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

const SHORT: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

const code = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Text from elsewhere made fit for one line of a terminal: `\u001b` in place of an escape. */
export function escapeLine(text: string): string {
  return text.replace(UNSAFE, (character) => SHORT[character] ?? code(character))
}

/** The same for text of several lines: newlines stay, tabs become spaces. */
export function escapeText(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => escapeLine(line.replaceAll('\t', '    ')))
    .join('\n')
}

/** JSON that is safe to print as it is: what JSON leaves unescaped but a terminal obeys is escaped too. */
export function printJson(value: unknown, indent = 2): string {
  const text = JSON.stringify(value, null, indent)
  return text.replace(UNSAFE, (character) => (character === '\n' ? '\n' : code(character)))
}
