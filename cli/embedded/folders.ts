import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { flagOf } from '../../model/setting.ts'
import { Failure } from '../failure.ts'

const LOCK = 'up.pid'

/** The `up` that has a folder, if it runs. Its file holds its number and, in a second line, the gateway's URL. */
export function ownerOf(folder: string): { pid: number; gateway: string } | null {
  try {
    const [pid = '', gateway = ''] = readFileSync(join(folder, LOCK), 'utf8').split('\n')
    return isRunning(Number.parseInt(pid, 10)) ? { pid: Number.parseInt(pid, 10), gateway } : null
  } catch {
    return null
  }
}

/** What to say to who starts a second one. `gateway`: its URL, '' where it is not known. */
export function alreadyRuns(pid: number, gateway: string, beside: string): Failure {
  const where = [`pid ${pid}`, ...(gateway === '' ? [] : [gateway])].join(', ')
  return new Failure(`Reveille already runs here (${where})`, [
    'Look at it: npx reveille ps',
    `End it: Ctrl-C where it was started, or kill ${pid}`,
    `Another one beside it needs ${beside} of its own: reveille up --help`,
  ])
}

function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return !stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z')
  } catch {
    return false
  }
}

/** Makes a folder if need be. @throws Failure that names the flag */
function make(path: string, setting: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o755 })
    writeFileSync(join(path, '.writable'), '')
    rmSync(join(path, '.writable'))
  } catch (error) {
    throw new Failure(`cannot write to ${path}: ${(error as Error).message}`, [
      `Name a folder of yours with --${flagOf(setting)}.`,
    ])
  }
}

/** Longest path of a unix socket, less the longest name of ours. */
const LONGEST = 107 - '/engine/containerd.sock.ttrpc'.length

/** What is in a run folder only while we run, but for an engine's: its own keeper removes that. */
const PASSING = /^(?:nginx(?:\.conf.*)?|haproxy(?:\.cfg.*)?|routes\.json.*|apps|engine\.sock)$/

/**
 * Makes the state and the run folder ours until `release`, which empties the run folder of what is ours.
 * @throws Failure if another `up` has one of them, or they cannot be written
 */
export function takeFolders(
  stateDir: string,
  runDir: string,
  gateway: string,
): { release(): void } {
  if (Buffer.byteLength(runDir) > LONGEST)
    throw new Failure(`${runDir} is too long for a unix socket in it`, [
      'Name a shorter folder with --run-dir.',
    ])
  const isNew = !existsSync(runDir)
  const locks: string[] = []
  const unlock = (): void => {
    for (const lock of locks) rmSync(lock, { force: true })
  }
  const sweep = (): void => {
    for (const name of readdirSync(runDir))
      if (PASSING.test(name)) rmSync(join(runDir, name), { recursive: true, force: true })
  }
  try {
    locks.push(take(stateDir, 'stateDir', gateway))
    if (runDir !== stateDir) locks.push(take(runDir, 'runDir', gateway))
    sweep() // of one that was killed
  } catch (error) {
    unlock()
    throw error
  }
  return {
    release: () => {
      sweep()
      unlock()
      if (isNew && readdirSync(runDir).length === 0) rmdirSync(runDir)
    },
  }
}

/** Puts our number into a folder, which nobody else's may be in. Returns the path of the file. */
function take(path: string, setting: 'stateDir' | 'runDir', gateway: string): string {
  make(path, setting)
  const lock = join(path, LOCK)
  for (let attempt = 0; attempt < 2; attempt++)
    try {
      writeFileSync(lock, `${process.pid}\n${gateway}\n`, { flag: 'wx' })
      return lock
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const owner = ownerOf(path)
      if (owner) throw alreadyRuns(owner.pid, owner.gateway, `a --${flagOf(setting)} and ports`)
      rmSync(lock, { force: true }) // of one that was killed
    }
  throw new Failure(`another reveille up takes ${path} at this moment`)
}
