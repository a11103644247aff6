import { z } from 'zod'

/** One argument of a command: any text, but no control characters besides tab and line ends (a script may have these). */
export const Argument = z
  .string()
  .max(4096, 'must be at most 4096 characters')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  .regex(/^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$/, 'must have no control characters')
