import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf } from '../failure.ts'
import { type Check, type Finding, fail, ok, warn } from './check.ts'

/** Whether the state and run directories can be written, or made. */
export const checkFolders: Check = async ({ stateDir, runDir }) =>
  Promise.all([checkFolder('state-dir', stateDir), checkFolder('run-dir', runDir)])

async function checkFolder(flag: string, folder: string): Promise<Finding> {
  const name = `${flag} ${folder}`
  const mend = `Make it writable for this user (chown), or choose another with --${flag}.`
  try {
    if (!(await stat(folder)).isDirectory()) return fail(name, 'is no directory', mend)
    await access(folder, constants.W_OK | constants.X_OK)
    return ok(name, 'writable')
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') return fail(name, `not writable (${codeOf(error)})`, mend)
  }
  for (let above = dirname(folder); ; above = dirname(above)) {
    try {
      await access(above, constants.W_OK | constants.X_OK)
      return ok(name, 'is made at the first start')
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || above === dirname(above))
        return fail(name, `cannot be made in ${above} (${codeOf(error)})`, mend)
    }
  }
}

/** The token file opens the API: nobody else may read it. */
export const checkToken: Check = async ({ stateDir, token }) => {
  const path = join(stateDir, 'token')
  try {
    const { mode } = await stat(path)
    if ((mode & 0o077) !== 0)
      return [
        fail(
          'token',
          `${path} can be read by others`,
          `Close it: chmod 600 ${path}. Then make a new one: rm ${path} and restart the launcher.`,
        ),
      ]
    await access(path, constants.R_OK)
    return [ok('token', path)]
  } catch (error) {
    if (token !== '') return [ok('token', 'given')]
    if (codeOf(error) === 'ENOENT')
      return [
        warn(
          'token',
          `there is no ${path} yet`,
          'The launcher makes it at its first start; elsewhere give --token or REVEILLE_TOKEN.',
        ),
      ]
    return [
      fail(
        'token',
        `${path} cannot be read (${codeOf(error)})`,
        'Run this as root, or give REVEILLE_TOKEN.',
      ),
    ]
  }
}
