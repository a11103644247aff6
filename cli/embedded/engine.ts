import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { openEngine } from '../../adapters/docker-open.ts'
import { engineAccess } from '../../adapters/docker-settings.ts'
import { findProgram } from '../../adapters/pdeathsig.ts'
import type { ProcessImage } from '../../adapters/process-engine.ts'
import type { Settings } from '../../model/setting.ts'
import { Failure } from '../failure.ts'
import type { Child } from './child.ts'
import { placesOf } from './dockerd.ts'
import { imagesFile } from './images.ts'

/** The engine of this machine, as the registrar is told of it. */
export interface ChosenEngine {
  url: string
  kind: 'given' | 'own' | 'process'
  /** IP address its instances are reached at */
  address: string
  /** network of the containers on its bridge, '' if there is none */
  subnet: string
  /** why it is not the one that was hoped for, or '' */
  note: string
  close(): Promise<void>
}

export interface EngineSurroundings {
  settings: Settings
  /** starts a node program of this folder, to be kept running */
  startChild(program: string, args: string[], patience: number): Child
  /** aborted when it is time to end */
  signal: AbortSignal
  /** says something to who waits */
  tell(line: string): void
  /** what the process engine may run */
  images: Record<string, ProcessImage>
}

const DEFAULT = 'unix:///var/run/docker.sock'

/** Whether an engine answers there, and where its instances are reached. */
async function placeOf(
  url: string,
  settings: Settings,
): Promise<Pick<ChosenEngine, 'address' | 'subnet'> | null> {
  const access = engineAccess(settings)
  try {
    const engine = openEngine(url, access)
    await engine.ping()
    const { bridge, subnet } = await engine.info()
    return { address: bridge === '' ? '127.0.0.1' : bridge, subnet }
  } catch {
    return null
  }
}

/** A dockerd in our network namespace: two would rewrite each other's iptables chains. */
function findDockerd(): string {
  const ours = readlinkSync('/proc/self/ns/net')
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    try {
      const isDockerd = readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'dockerd'
      if (isDockerd && readlinkSync(`/proc/${pid}/ns/net`) === ours) return pid
    } catch {
      // it ended, or is not ours to look into
    }
  return ''
}

/** Why no engine of our own can be started here; '' if nothing speaks against it. */
export function obstacle(): string {
  if (process.platform !== 'linux') return 'this is not Linux'
  if (process.getuid?.() !== 0) return 'starting a Docker engine takes root'
  const programs = ['dockerd', 'containerd', 'runc', 'iptables', 'iptables-save', 'ip']
  const missing = programs.filter((program) => !findProgram(program))
  if (missing.length > 0)
    return `${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} not installed (Debian: apt-get install docker.io iptables iproute2)`
  const pid = findDockerd()
  if (pid !== '')
    return `a dockerd runs already (pid ${pid}), and two cannot share this machine's iptables; name its socket with --docker`
  return ''
}

/** The command line of a process, '' if it has just ended. */
function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

/** Waits for the engine of an `up` with this run folder that was killed: it is ending, and cleaning up after itself. */
export async function former(runDir: string): Promise<void> {
  const config = placesOf('', runDir).run
  for (let round = 0; round < 200; round++) {
    const pid = findDockerd()
    if (pid === '' || !commandOf(pid).includes(config)) return
    await delay(100)
  }
}

/** Milliseconds an engine of our own may be silent until that is told, and until it is given up: much may be on its disk. */
const PATIENCE = { untold: 15_000, limit: 300_000 }

/**
 * Starts an engine of our own. Returns why it ended instead.
 * @throws Failure where it runs and does not answer: to go on without isolation is for its user to decide
 */
export async function startOwn(
  around: EngineSurroundings,
  { untold, limit } = PATIENCE,
): Promise<ChosenEngine | string> {
  const { stateDir, runDir } = around.settings
  const url = `unix://${placesOf(stateDir, runDir).socket}`
  const child = around.startChild('dockerd-main', [stateDir, runDir], 40)
  const began = performance.now()
  let isTold = false
  while (child.failures === 0 && !around.signal.aborted) {
    const place = await placeOf(url, around.settings)
    if (place) return { url, kind: 'own', ...place, note: '', close: () => child.stop() }
    const silence = performance.now() - began
    if (silence > untold && !isTold) {
      isTold = true
      around.tell('our Docker engine does not answer yet: waiting')
    }
    if (silence > limit) break
    await delay(50)
  }
  const isSilent = child.failures === 0
  await child.stop()
  if (isSilent)
    throw new Failure(`our Docker engine runs, and did not answer in ${limit / 1000} s`, [
      'Try it once more: what it had to do is partly done.',
      'Apps run as child processes, without isolation, with --engine process.',
    ])
  const words = /msg="(.*)"/.exec(child.lastLines.at(-1) ?? '')?.[1] ?? 'it said nothing'
  return `its start fails: ${words.replaceAll('\\"', '"').slice(0, 600)}`
}

async function startProcesses(around: EngineSurroundings, note: string): Promise<ChosenEngine> {
  const { runDir } = around.settings
  // Loaded where it is needed only: `up` keeps what it has loaded as long as it runs.
  const { startProcessEngine } = await import('../../adapters/process-engine.ts')
  const engine = await startProcessEngine({
    socket: join(runDir, 'engine.sock'),
    dir: join(runDir, 'apps'),
    images: around.images,
    source: imagesFile(around.settings.stateDir),
  })
  return {
    url: engine.url,
    kind: 'process',
    address: '127.0.0.1',
    subnet: '',
    note,
    close: engine.close,
  }
}

/**
 * The engine that is there, else one of our own, else child processes; `--engine` narrows it down.
 * @throws Failure where the wanted one cannot be had
 */
export async function chooseEngine(around: EngineSurroundings): Promise<ChosenEngine> {
  const { docker, engine } = around.settings
  if (engine === 'process') return startProcesses(around, '')
  const place = await placeOf(docker, around.settings)
  if (place) return { url: docker, kind: 'given', ...place, note: '', close: async () => {} }
  if (docker !== DEFAULT)
    throw new Failure(`no Docker engine answers at ${docker}`, [
      'Start it, name another with --docker, or leave --docker out: an engine is started then.',
    ])
  await former(around.settings.runDir)
  const own = obstacle() || (await startOwn(around))
  if (typeof own !== 'string') return own
  const why = `no Docker engine answers at ${docker}, and none can be started: ${own}`
  if (engine === 'docker')
    throw new Failure(why, ['Mend that, or try it with apps as child processes: --engine process'])
  return startProcesses(around, why)
}
