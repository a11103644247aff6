import { z } from 'zod'
import { isHostName, isPlainPath } from '../model/route.ts'

const PATH = 'must be a path of at most 3 plain segments, like /apps'
const HOST = 'must be a host name in lower case, like api.example.com'
/** A place on this gateway or a whole URL, of characters that need no encoding in either. */
const PLACE = /^(?:https?:\/\/[A-Za-z0-9.-]+(?::[0-9]{1,5})?)?\/(?!\/)[A-Za-z0-9/._~?=&%+-]*$/

/** How requests name apps where no route says it: for all apps of a gateway alike. */
export const Reading = z
  .strictObject({
    /** what comes before names in paths; '' for nothing */
    pathPrefix: z
      .string()
      .refine((path) => path === '' || isPlainPath(path), PATH)
      .default(''),
    /** names are the first label of hosts below this one, too; '' for none */
    domain: z
      .string()
      .refine((host) => host === '' || isHostName(host), HOST)
      .default(''),
    /** name of a cookie that names an app; '' for none */
    cookie: z
      .string()
      .regex(/^[A-Za-z0-9_-]{0,64}$/, 'must be letters, digits, "-" and "_"')
      .default(''),
    /** where who has no such cookie is sent; '' for nowhere, which is a "no such app" */
    fallback: z
      .string()
      .max(200)
      .regex(PLACE, 'must be a path like /home, or a URL')
      .or(z.literal(''))
      .default(''),
    /** whether a request to an app that a cookie names waits for it, or is sent to `/` once the app is awake */
    answer: z.enum(['hold', 'redirect']).default('hold'),
    /** status of the answer where there is no such app */
    unknown: z.literal([403, 404]).default(404),
  })
  .prefault({})
export type Reading = z.output<typeof Reading>

/** By name at `/<name>/`, and in no other way. */
export const READING: Reading = Reading.parse(undefined)
