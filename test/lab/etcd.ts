import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from './folder.ts'
import { type Part, startPart } from './part.ts'
import { freePort } from './port.ts'

/** A real etcd of one member, with what a test may do to it. */
export interface LabEtcd {
  /** `http://127.0.0.1:port`; the same for as long as it lives. */
  readonly url: string
  /** For ever: ends it and removes its data. */
  stop(): Promise<void>
  /** SIGTERM; data is kept for `up`. */
  down(): Promise<void>
  /** SIGKILL; data is kept for `up`. */
  kill(): Promise<void>
  /** Starts it again on the same port and data; resolves when it answers. */
  up(): Promise<void>
  /** Loses its data; it must not run. */
  wipe(): Promise<void>
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): Promise<void>
  resume(): Promise<void>
}

/** Starts an etcd of its own on free ports of the loopback; resolves when it is healthy. */
export async function startEtcd(): Promise<LabEtcd> {
  const folder = await temporaryFolder()
  const url = `http://127.0.0.1:${await freePort()}`
  const peer = `http://127.0.0.1:${await freePort()}`
  let part = await startMember(folder, url, peer)
  return {
    url,
    stop: async () => {
      await part.kill()
      await rm(folder, { recursive: true, force: true })
    },
    down: () => part.end(),
    kill: () => part.kill(),
    up: async () => {
      part = await startMember(folder, url, peer)
    },
    wipe: () => rm(join(folder, 'data'), { recursive: true }),
    pause: () => part.signal('SIGSTOP'),
    resume: () => part.signal('SIGCONT'),
  }
}

/** The short election is for the start: a lone member waits one before it leads. */
async function startMember(folder: string, url: string, peer: string): Promise<Part> {
  const part = await startPart('etcd', [
    ...['--name', 'lab', '--data-dir', `${folder}/data`, '--log-level', 'warn', '--logger', 'zap'],
    ...['--listen-client-urls', url, '--advertise-client-urls', url],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
    ...['--initial-cluster', `lab=${peer}`],
    ...['--heartbeat-interval', '20', '--election-timeout', '200'],
  ])
  await part.until(async () => {
    const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(1_000) })
    return ((await answer.json()) as { health: string }).health === 'true'
  })
  return part
}
