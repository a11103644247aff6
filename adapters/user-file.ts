import { randomBytes } from 'node:crypto'
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isAppName } from '../model/name.ts'
import { readText } from './files.ts'
import { isPasswordHash } from './password.ts'

/** Users by name, each with the hash of their password. */
export type Users = ReadonlyMap<string, string>

/** Larger files are no list of users, bytes. */
const LARGEST = 1024 * 1024

/**
 * Reads a file of `name:hash` lines; empty lines and those that begin with # say nothing. No file: no users.
 * Throws where it cannot be read, or a line is none: whom it was meant for could not log in and not know why.
 */
export async function readUsers(path: string): Promise<Users> {
  const users = new Map<string, string>()
  const text = (await readText(path)) ?? ''
  if (text.length > LARGEST) throw new Error(`${path} is too large for a file of users`)
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const [, name = '', hash = ''] = /^([^:]*):(.*)$/.exec(line.trim()) ?? []
    if (!isAppName(name) || !isPasswordHash(hash))
      throw new Error(`line ${index + 1} of ${path} is not name:hash`)
    users.set(name, hash)
  }
  return users
}

/** Writes the whole file in one step, for this user only. */
export async function writeUsers(path: string, users: Users): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const aside = `${path}.${randomBytes(6).toString('hex')}`
  const lines = [...users].map(([name, hash]) => `${name}:${hash}\n`)
  try {
    await writeFile(aside, lines.join(''), { mode: 0o600, flag: 'wx' })
    await rename(aside, path)
  } finally {
    await rm(aside, { force: true })
  }
}

/** Whether others on this machine may read the file. */
export async function isExposed(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null)
  return found !== null && (found.mode & 0o077) !== 0
}
