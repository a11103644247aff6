import { z } from 'zod'
import { setting, switched } from './kind.ts'

/** What the commands need to know. */
export const CLI_SETTINGS = {
  demo: setting(
    ['up'],
    '',
    switched.default(false),
    'add three demo apps and two blueprints, and leave nothing of them at the end',
  ),
  services: setting(
    ['up'],
    'together|apart',
    z.enum(['together', 'apart'], 'must be together or apart').default('together'),
    'whether the registrar, the launcher and the controller share one process or have one each: that takes 130 MiB more, and an error of one ends no other',
  ),
  api: setting(
    ['cli'],
    'url',
    z.url().default('http://127.0.0.1:8091'),
    'private API of a launcher',
  ),
  gateway: setting(
    ['cli'],
    'url',
    z.url().optional(),
    'where clients reach the apps, for the URLs printed; where the first gateway listens unless given',
  ),
  token: setting(
    ['cli'],
    'text',
    z.string().default(''),
    'API token; read from <state-dir>/token unless given',
  ),
  json: setting(['cli'], '', switched.default(false), 'print JSON for scripts'),
} as const
