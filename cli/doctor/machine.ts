import type { StatsFs } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { codeOf } from '../failure.ts'
import { fieldsOf, textOf } from './ask.ts'
import { type Check, fail, ok, warn } from './check.ts'
import { askEngine, type EngineSettings, socketOf } from './docker.ts'

/** Oldest Node this runs on. */
const NODE = [20, 19] as const

export const checkNode: Check = async () => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const enough = major > NODE[0] || (major === NODE[0] && minor >= NODE[1])
  if (enough) return [ok('node', process.versions.node)]
  return [
    fail('node', `${process.versions.node} is too old`, `Install Node ${NODE.join('.')} or newer.`),
  ]
}

export const checkUser: Check = async ({ engine }) => {
  const user = process.getuid?.()
  if (user === 0) return [ok('user', 'root')]
  const mend =
    engine === 'process'
      ? 'Choose --state-dir and --run-dir of your own.'
      : 'Run this as root, or be in the group docker and choose --state-dir and --run-dir of your own.'
  return [warn('user', `uid ${user ?? '?'} is not root`, mend)]
}

/** Bytes below which images no longer fit. */
const LITTLE = 1024 ** 3

/** The disks of our own data and of the engine's, which may be elsewhere. */
export const checkDisk: Check = async (settings) => {
  const { stateDir, engine } = settings
  const images = engine === 'process' ? '' : await imagesOf(settings)
  return Promise.all(
    [stateDir, images].filter(Boolean).map(async (folder) => {
      const { bavail, bsize, files, ffree } = await nearest(folder)
      const free = `${((bavail * bsize) / 1024 ** 3).toFixed(1)} GiB free`
      const mend = 'Make room: docker system prune, or move it to a larger disk.'
      if (files > 0 && ffree === 0) return fail(`disk of ${folder}`, 'no inodes left', mend)
      if (bavail * bsize < LITTLE / 10) return fail(`disk of ${folder}`, free, mend)
      if (bavail * bsize < LITTLE) return warn(`disk of ${folder}`, free, mend)
      return ok(`disk of ${folder}`, free)
    }),
  )
}

/** Where an engine on this machine keeps images and containers; '' if it keeps none here. */
async function imagesOf(settings: EngineSettings): Promise<string> {
  if (socketOf(settings.docker) === undefined) return ''
  const info = await askEngine(settings, '/info')
  return info.ok ? textOf(fieldsOf(info), 'DockerRootDir') : '/var/lib/docker'
}

/** The file system a folder is in, or will be in once it is made. */
async function nearest(folder: string): Promise<StatsFs> {
  try {
    return await statfs(folder)
  } catch (error) {
    if (codeOf(error) === 'ENOENT' && dirname(folder) !== folder) return nearest(dirname(folder))
    throw error
  }
}
