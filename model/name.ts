import { z } from 'zod'

/**
 * The law of app names: 1 to 63 letters, digits, `-` and `_`, beginning and ending with a letter or digit.
 * It is the first URL segment, an etcd key segment, part of a container's and an upstream's name,
 * so it holds nothing any of those could read as syntax.
 */
export const APP_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/

export const AppName = z
  .string()
  .regex(
    APP_NAME,
    'must be 1-63 letters, digits, "-" or "_", beginning and ending with a letter or digit',
  )

export function isAppName(text: string): boolean {
  return APP_NAME.test(text)
}

/** Names are unique ignoring case; this is the form they are compared in. */
export function canonical(name: string): string {
  return name.toLowerCase()
}

/** The name of the container that runs `slot` of `app`. Prefixed: Docker refuses 1-letter names. */
export function containerName(app: string, slot: number): string {
  return `reveille-${canonical(app)}-${slot}`
}
