import { z } from 'zod'

/** Where a proxy logs requests: `off`, `syslog` (/dev/log), or the absolute path of a file. */
export const AccessLog = z
  .string()
  .regex(
    /^(?:off|syslog|\/[A-Za-z0-9._/@+-]{1,200})$/,
    'must be off, syslog, or the absolute path of a file in plain characters',
  )
