import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { $ } from 'zx'
import { currentRun } from './run.ts'

const TOP = join(import.meta.dirname, '../..')
/** What no clone has, whoever has worked here. */
const OURS = ['.git', 'node_modules', 'dist', 'home.password', 'cookie.key', 'announce.key']
/** A shell that fails where a part of a pipe does. */
const quiet = $({ quiet: true, timeout: '60s' })
/** What npm says where it can reach no registry and has not kept what it wants. */
const NO_NETWORK = /ENOTCACHED|EAI_AGAIN|ENOTFOUND|ETIMEDOUT|ECONNREFUSED|ENETUNREACH/

/**
 * A fresh clone of this project, made ready by the line with which the pages begin: the same one for all files of a run, which
 * come one after the other. Who changes files in it changes them back.
 * @throws Error with the words of the line, when it fails
 */
export async function freshClone(): Promise<string> {
  const clone = join(currentRun().folder, 'clone')
  if (existsSync(clone)) return clone
  const draft = `${clone}.draft`
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft)
  const left = OURS.map((name) => `--exclude=./${name}`)
  await quiet`tar -C ${TOP} ${left} -cf - . | tar -C ${draft} -xf -`
  await prepare(draft).catch(async (error: Error) => {
    if (!NO_NETWORK.test(error.message)) throw error
    console.warn('No npm registry can be reached: the clone has the packages of this project.')
    await quiet`cp -a ${join(TOP, 'node_modules')} ${draft}`
    await prepare(draft)
  })
  await rename(draft, clone)
  return clone
}

/** Packages that npm has kept since this project's own were installed are good: it asks for those it has not. */
async function prepare(clone: string): Promise<void> {
  const { stdout } = await quiet({
    cwd: clone,
    env: { ...process.env, npm_config_prefer_offline: 'true' },
    timeout: '240s',
  })`bash cli/setup/prepare.sh`
  if (!stdout.includes('Building.')) throw new Error(`prepare.sh built nothing:\n${stdout}`)
}
