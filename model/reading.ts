import { z } from 'zod'
import { isHostName, isPlainPath } from './route.ts'

/** A place on this gateway or a whole URL, of characters that need no encoding in either. */
const PLACE =
  /^(?:(?:https?:\/\/[A-Za-z0-9.-]{1,100}(?::[0-9]{1,5})?)?\/(?!\/)[A-Za-z0-9/._~?=&%+-]{0,200})?$/

/** How requests name apps where no route says it: the same for all apps of a gateway. */
export const READING = {
  pathPrefix: z
    .string()
    .refine(
      (path) => path === '' || isPlainPath(path),
      'must be a path of at most 3 plain segments, like /apps',
    )
    .default(''),
  domain: z
    .string()
    .refine(
      (host) => host === '' || isHostName(host),
      'must be a host name in lower case, like api.example.com',
    )
    .default(''),
  cookie: z
    .string()
    .regex(
      /^(?!reveille_)[A-Za-z0-9_]{0,64}$/i,
      'must be at most 64 letters, digits and "_", and not one of our own, reveille_...',
    )
    .default(''),
  fallback: z.string().regex(PLACE, 'must be a path like /home, or a URL').default(''),
  cookieAnswer: z.enum(['hold', 'redirect'], 'must be hold or redirect').default('hold'),
  unknown: z.enum(['404', '403'], 'must be 404 or 403').default('404'),
}

/** Read by a proxy's controller out of its settings. */
export const Reading = z
  .strictObject({
    ...READING,
    /** whether a cookie counts only with a signature */
    signed: z.boolean().default(false),
  })
  .prefault({})
export type Reading = z.output<typeof Reading>

/** By name at `/<name>/`, and in no other way. */
export const PLAIN: Reading = Reading.parse(undefined)
