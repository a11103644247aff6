/** What must never reach a terminal as it is: what a log line, a name or a reason may hold. */
export const HOSTILE = [
  { value: 'shop\n{"level":"info","msg":"admin login ok"}', why: 'forged JSON log line' },
  { value: '\u001b]0;owned\u0007', why: 'terminal title escape' },
  { value: '\u001b[2J\u001b[1;1H', why: 'clears the screen' },
  { value: 'a\rb', why: 'overwrites the line' },
  { value: '\u009b31mred', why: 'C1 control sequence introducer' },
  { value: 'a\u2028b', why: 'line separator' },
  { value: '\u202eevil', why: 'right-to-left override' },
  { value: '\u0000', why: 'NUL' },
  { value: 'del\u007f', why: 'DEL' },
]

/** Whether text is fit for a terminal: lines of plain characters. */
export function isPlain(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return !/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/.test(text)
}
