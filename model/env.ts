import { z } from 'zod'

/** Variables that change how every program of the image is loaded; an app's settings never need them. */
const LOADER = /^(?:LD_|DYLD_|GLIBC_)/

const Value = z
  .string()
  .max(32_768, 'must be at most 32768 characters')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  .regex(/^[^\u0000\n\r]*$/, 'must be one line')
  .refine((value) => !value.includes('${'), 'is not interpolated: "${" is refused')

/** An app's environment. Values are passed on as they are; nothing is read from our own environment. */
export const Env = z
  .record(
    z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'must be a variable name')
      .refine((name) => !LOADER.test(name), 'is a variable of the loader'),
    Value,
  )
  .refine((env) => Object.keys(env).length <= 200, 'must have at most 200 variables')
