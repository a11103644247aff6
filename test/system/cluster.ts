import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { AppInput } from '../../model/app.ts'
import { labEngine } from '../lab/engine.ts'
import { type LabEtcd, startEtcd } from '../lab/etcd.ts'
import { temporaryFolder } from '../lab/folder.ts'
import { freePort } from '../lab/port.ts'
import { type Answer, ask } from './client.ts'

/** Seconds it has to be up. */
const START = 60
const MAIN = join(import.meta.dirname, '../../dist/cli/main.js')

export interface Cluster {
  /** of `reveille up`, whose children all services are */
  pid: number
  /** where the gateway answers: http://127.0.0.1:port */
  origin: string
  /** what the reveille command needs in its environment */
  variables: Record<string, string>
  etcd: LabEtcd
  /** where generated files are */
  runDir: string
  /** the text of /metrics of all three services */
  metrics(): Promise<string>
  api(method: string, path: string, body?: object): Promise<Answer>
  add(app: AppInput): Promise<void>
  /** process ids of the running children whose command line holds `text` */
  pids(text: string): number[]
  /** every log line so far */
  log(): string
  stop(): Promise<void>
}

/** Processes below `pid`, at any depth. */
function descendants(pid: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(name)) continue
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
    } catch {
      // it ended between the listing and the look
    }
  }
  const found: number[] = []
  for (let level = [pid]; level.length > 0; ) {
    level = [...parents].filter(([, parent]) => level.includes(parent)).map(([child]) => child)
    found.push(...level)
  }
  return found
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

/**
 * A whole Reveille on this machine, as `reveille up` runs it, over the lab's engine and an etcd that a test may stop.
 * `flags` are added to its command line; `before` finds an etcd that nobody has written to yet.
 */
export async function startCluster(
  flags: string[] = [],
  { before = async (_etcd: string): Promise<void> => {} } = {},
): Promise<Cluster> {
  const folder = await temporaryFolder()
  const engine = labEngine()
  const etcd = await startEtcd()
  await before(etcd.url)
  const [listen, wake, api, controller, registrar, activity] = await Promise.all(
    Array.from({ length: 6 }, freePort),
  )
  const settings = {
    etcd: etcd.url,
    docker: engine.url,
    engine: 'docker',
    address: engine.address,
    networks: `${engine.address}/32`,
    listen: `127.0.0.1:${listen}`,
    'wake-listen': `127.0.0.1:${wake}`,
    'api-listen': `127.0.0.1:${api}`,
    'controller-admin': `127.0.0.1:${controller}`,
    'registrar-admin': `127.0.0.1:${registrar}`,
    'activity-listen': `127.0.0.1:${activity}`,
    'state-dir': join(folder, 'state'),
    'run-dir': join(folder, 'run'),
    id: 'lab',
  }
  const args = Object.entries(settings).flatMap(([flag, value]) => [`--${flag}`, value])
  const up: ChildProcess = spawn(process.execPath, [MAIN, 'up', ...args, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [up.stdout, up.stderr])
    stream?.on('data', (chunk: Buffer) => {
      output += chunk
    })
  const ended = new Promise<void>((resolve) => up.once('exit', () => resolve()))

  const cluster: Cluster = {
    pid: up.pid ?? 0,
    origin: `http://127.0.0.1:${listen}`,
    variables: {
      REVEILLE_API: `http://127.0.0.1:${api}`,
      REVEILLE_STATE_DIR: settings['state-dir'],
    },
    etcd,
    runDir: settings['run-dir'],
    metrics: async () => {
      const ports = [api, controller, registrar]
      const answers = await Promise.all(
        ports.map((port) => ask(`http://127.0.0.1:${port}`, '/metrics')),
      )
      return answers.map((answer) => answer.text).join('\n')
    },
    api: (method, path, body) =>
      ask(`http://127.0.0.1:${api}`, path, {
        method,
        headers: {
          authorization: `Bearer ${readFileSync(join(folder, 'state/token'), 'utf8').trim()}`,
          ...(body && { 'content-type': 'application/json' }),
        },
        ...(body && { body: JSON.stringify(body) }),
      }),
    add: async (app) => {
      const answer = await cluster.api('POST', '/v1/apps', app)
      if (answer.status !== 201) throw new Error(`adding ${app.name}: ${answer.text}`)
    },
    pids: (text) =>
      up.pid === undefined
        ? []
        : descendants(up.pid).filter((pid) => commandLine(pid).includes(text)),
    log: () => output,
    stop: async () => {
      if (up.exitCode === null) up.kill('SIGTERM')
      await ended
      await etcd.stop()
    },
  }
  // Its ports answer before the gateway reaches the launcher, and HAProxy looks for that once a second only.
  const until = performance.now() + START * 1000
  while (!output.includes('Reveille is up') && up.exitCode === null && performance.now() < until)
    await pause(50)
  if (!output.includes('Reveille is up')) {
    await cluster.stop()
    throw new Error(`the cluster did not come up:\n${output}`)
  }
  return cluster
}
