import { join } from 'node:path'
import { ProblemError } from '../../model/problem.ts'
import type { Settings } from '../../model/setting.ts'
import type { Log } from '../api/options.ts'
import type { LoginOptions } from './login.ts'

/** The file of users: names, each with the hash of a password. */
export interface UserFile {
  /** throws where it cannot be read */
  readUsers(path: string): Promise<ReadonlyMap<string, string>>
  /** whether others on this machine may read it */
  isExposed(path: string): Promise<boolean>
}

/**
 * Who may log in to the spawner API, read anew each time it is asked. Says at once, where the API is on, what is wrong
 * with the file. What is asked for throws ProblemError `unavailable` where it cannot be read.
 */
export async function openUsers(
  { spawner, spawnerUsers, stateDir }: Pick<Settings, 'spawner' | 'spawnerUsers' | 'stateDir'>,
  { readUsers, isExposed }: UserFile,
  log: Log,
): Promise<LoginOptions['users']> {
  const path = spawnerUsers || join(stateDir, 'spawner-users')
  const users = async (): Promise<ReadonlyMap<string, string>> => {
    try {
      return await readUsers(path)
    } catch (error) {
      log.error({ path, reason: (error as Error).message }, 'the file of users cannot be read')
      throw new ProblemError('unavailable', { detail: 'the file of users cannot be read' })
    }
  }
  if (spawner === undefined) return users
  if (await isExposed(path)) log.warn({ path }, 'other users can read the file of users')
  const known = await users().catch(() => null)
  if (known?.size === 0)
    log.warn({ path }, 'nobody can log in to the spawner API yet: reveille spawner-user add <name>')
  return users
}
