import { isSigned, readKey, sign } from './signature.ts'

/** The key that cookies which name apps are signed with; null where no file is named. Throws if it holds none. */
export function readCookieKey(path: string): string | null {
  if (path === '') return null
  try {
    return readKey(path)
  } catch (error) {
    throw new Error(`--cookie-key-file: ${(error as Error).message}`)
  }
}

/** What follows an app's name and a dot in a signed cookie: HMAC-SHA256 of the name in lower case, hexadecimal. */
export function signName(key: string, name: string): string {
  return sign(key, name.toLowerCase())
}

/** What a cookie says that leads to an app: its name, and its signature where there is a key. */
export function cookieOf(key: string | null, name: string): string {
  return key === null ? name : `${name}.${signName(key, name)}`
}

/** {@link signName} with the key of a file, remembered: each app's is asked for with every plan. null without a file. */
export function openSigner(path: string): ((name: string) => string) | null {
  const key = readCookieKey(path)
  if (key === null) return null
  const known = new Map<string, string>()
  return (name) => {
    const signature = known.get(name) ?? signName(key, name)
    if (known.size > 100_000) known.clear()
    known.set(name, signature)
    return signature
  }
}

/** Whether a cookie says `<name>.<signature>`, ignoring case. */
export function isSignedCookie(key: string, name: string, cookie: string): boolean {
  const begin = `${name}.`.toLowerCase()
  const text = cookie.toLowerCase()
  return text.startsWith(begin) && isSigned(key, name.toLowerCase(), text.slice(begin.length))
}
