import { z } from 'zod'

/**
 * The law of app names: 1 to 63 letters, digits, `-` and `_`, beginning and ending with a letter or digit.
 * It is the first URL segment, an etcd key segment, part of a container's and an upstream's name,
 * so it holds nothing any of those could read as syntax.
 */
export const APP_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/

const LAW = 'must be 1-63 letters, digits, "-" or "_", beginning and ending with a letter or digit'

export const AppName = z.string().regex(APP_NAME, LAW)

/** A text that is a name once `{{name}}` in it stands for one. */
export const NameTemplate = z.string().refine((text) => APP_NAME.test(fillName(text, 'x')), LAW)

export function isAppName(text: string): boolean {
  return APP_NAME.test(text)
}

/** Names are unique ignoring case; this is the form they are compared in. */
export function canonical(name: string): string {
  return name.toLowerCase()
}

export function areDistinct(names: readonly string[]): boolean {
  return new Set(names.map(canonical)).size === names.length
}

/** `text` with the name where it asks for it as `{{name}}`. */
export function fillName(text: string, name: string): string {
  return text.replaceAll('{{name}}', name)
}

/** The name of the container that runs `slot` of `app`. Prefixed: Docker refuses 1-letter names. */
export function containerName(app: string, slot: number): string {
  return `reveille-${canonical(app)}-${slot}`
}
