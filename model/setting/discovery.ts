import { z } from 'zod'
import { list, number, setting } from './kind.ts'

/** Whether containers that Reveille did not start are reached, and how they are found. */
export const DISCOVERY_SETTINGS = {
  discover: setting(
    ['up', 'registrar'],
    'off|label|image',
    z.enum(['off', 'label', 'image']).default('off'),
    'reach containers that Reveille did not start at the name of their image, /foo/bar: those labelled reveille.discover=true, or all but those labelled false. They are never stopped or removed',
  ),
  discoverPorts: setting(
    ['up', 'registrar'],
    'list',
    list(number(1, 65_535)).default([8000, 80]),
    'ports of such containers to try, the first that answers is taken',
  ),
} as const
