import { z } from 'zod'
import { READING } from '../reading.ts'
import { setting } from './kind.ts'

/** How requests name apps, beside their routes. docs/routing.md tells how these go together. */
export const READING_SETTINGS = {
  pathPrefix: setting(
    ['up', 'controller', 'launcher', 'registrar'],
    'path',
    READING.pathPrefix,
    'what comes before names in paths: /apps leads to /apps/<name>',
  ),
  domain: setting(
    ['up', 'controller', 'registrar'],
    'host',
    READING.domain,
    'names are host names below this one, too: <name>.api.example.com; of a discovered container, the last part of the name of its image',
  ),
  cookie: setting(
    ['up', 'controller', 'launcher'],
    'name',
    READING.cookie,
    'cookie that names the app of every request that no path and no host leads anywhere',
  ),
  cookieKeyFile: setting(
    ['up', 'controller', 'launcher'],
    'file',
    z.string().default(''),
    'key of 16 to 512 plain characters: only cookies signed with it count, see reveille cookie',
  ),
  cookieAnswer: setting(
    ['up', 'controller'],
    'hold|redirect',
    READING.cookieAnswer,
    'what a request gets whose cookie names a sleeping app: its answer, or a redirect to / once the app is awake',
  ),
  fallback: setting(
    ['up', 'controller'],
    'url',
    READING.fallback,
    'where requests without a valid cookie are sent (302), like /home, which leads to the app home',
  ),
  unknown: setting(
    ['up', 'controller'],
    '404|403',
    READING.unknown.unwrap().optional(),
    'status of the answer where there is no such app; unless given 404, but 403 of up --discover image',
  ),
} as const
