import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface Token {
  token: string
  path: string
  /** others on this machine may read the file */
  exposed: boolean
}

/** What a token made by hand must be at least: sent as a header, hard to guess. */
const FORM = /^[\x21-\x7e]{16,512}$/

/**
 * Reads the API token from `<folder>/token`, or makes one that only this user may read. Processes that start at the
 * same time get the same one. Throws if the folder cannot be used or the file holds no token.
 */
export async function openToken(folder: string): Promise<Token> {
  const path = join(folder, 'token')
  const token = (await read(path)) ?? (await make(folder, path))
  if (!FORM.test(token)) throw new Error(`${path} must hold a token of 16 to 512 plain characters`)
  return { token, path, exposed: ((await stat(path)).mode & 0o077) !== 0 }
}

async function read(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** Written aside and linked into place: whoever finds the file finds it whole, and the first one stays. */
async function make(folder: string, path: string): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const aside = `${path}.${randomBytes(6).toString('hex')}`
  await writeFile(aside, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
  try {
    await link(aside, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(aside)
  }
  return (await read(path)) ?? ''
}
