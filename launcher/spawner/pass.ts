import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** How long a token is good for, seconds. */
export const LIFETIME = 3600

const FORM = /^([A-Za-z0-9_-]{1,63})\.([1-9][0-9]{0,11})\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/

/**
 * A token for a user: `<name>.<expiry>.<random>.<signature>`, signed with the hash of their password. So it is good at
 * every launcher that has the same file of users, nothing is kept of it, and it ends with the password.
 * @param hash the user's line in the file
 * @param now seconds since 1970
 */
export function issue(name: string, hash: string, now: number): string {
  const text = `${name}.${Math.floor(now) + LIFETIME}.${randomBytes(16).toString('base64url')}`
  return `${text}.${sign(text, hash).toString('base64url')}`
}

/** Whose token it is; null if it is none, has run out, or its user is gone or has another password. */
export function holderOf(
  token: string,
  users: ReadonlyMap<string, string>,
  now: number,
): string | null {
  const [match, name = '', expiry, , signature = ''] = FORM.exec(token) ?? []
  const hash = users.get(name)
  if (match === undefined || hash === undefined) return null
  const expected = sign(token.slice(0, -signature.length - 1), hash)
  const isOurs = timingSafeEqual(Buffer.from(signature, 'base64url'), expected)
  const left = Number(expiry) - now
  // One that would be good for longer than any that is issued comes from a clock that is wrong.
  return isOurs && left > 0 && left <= LIFETIME + 60 ? name : null
}

function sign(text: string, hash: string): Buffer {
  return createHmac('sha256', `reveille-spawner:${hash}`).update(text).digest()
}
