import { createHmac, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** What a shared key must be: text that a shell can pass on, hard to guess. */
const FORM = /^[\x21-\x7e]{16,512}$/

/** Reads a key that several machines share: the text of a file, without its line end. Throws if it is none. */
export function readKey(path: string): string {
  const key = readFileSync(path, 'utf8').trim()
  if (!FORM.test(key)) throw new Error(`${path} must hold a key of 16 to 512 plain characters`)
  return key
}

/** HMAC-SHA256 of `text`, 64 hexadecimal digits. */
export function sign(key: string, text: string): string {
  return createHmac('sha256', key).update(text).digest('hex')
}

/** Whether `signature` is that of `text`; takes the same time whatever it is. */
export function isSigned(key: string, text: string, signature: string): boolean {
  const own = Buffer.from(sign(key, text))
  const given = Buffer.from(signature)
  return own.length === given.length && timingSafeEqual(own, given)
}
