import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import Docker from 'dockerode'
import { Child } from './child.ts'
import { containerdConfig, dockerdConfig, placesOf } from './dockerd.ts'
import { makePlaces, noteBefore, removeFootprint } from './footprint.ts'

// Runs an engine of our own: containerd and dockerd, each restarted when it ends. A process of its own, so that
// everything is cleaned up also when `up` is killed: the kernel then sends us the SIGTERM that `up` would.
//   node dockerd-main.js <state-dir> <run-dir>

const [, , stateDir = '', runDir = ''] = process.argv
const places = placesOf(stateDir, runDir)
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {}) // nobody reads any more

/** Ends in a row after which an engine that has not been up will not come up. */
const HOPELESS = 3

const write = (line: string): void => void process.stdout.write(`${line}\n`)
const daemon = (name: string, command: string[]): Child =>
  new Child({
    name,
    command,
    env: { ...process.env, DOCKER_HOST: undefined },
    tie: 'TERM',
    patience: 10,
    onLine: write,
    onDeath: (how, pause) =>
      write(`level=warning msg="${name} ended (${how}), again in ${pause} ms"`),
  })

const stopping = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stopping.abort())

/** Ends all containers while the engine runs, so that it takes down their networks and mounts. */
async function stopContainers(): Promise<void> {
  const docker = new Docker({ socketPath: places.socket })
  const limit = { abortSignal: AbortSignal.timeout(8_000) }
  const running = await docker.listContainers(limit)
  await Promise.allSettled(
    running.map(({ Id }) => docker.getContainer(Id).stop({ t: 2, ...limit })),
  )
}

/** Ends with one line that says why, and nothing left behind. */
async function giveUp(reason: string): Promise<never> {
  await removeFootprint(places).catch(() => {})
  write(`level=error msg=${JSON.stringify(reason)}`)
  process.exit(1)
}

try {
  makePlaces(places)
  noteBefore(places)
} catch (error) {
  const { stderr, message } = error as Error & { stderr?: string }
  await giveUp(stderr?.trim() || message)
}
const config = join(places.run, 'daemon.json')
const containerdToml = join(places.run, 'containerd.toml')
writeFileSync(config, JSON.stringify(dockerdConfig(places)))
writeFileSync(containerdToml, containerdConfig(places))
// of daemons that were killed together with us
for (const name of ['dockerd.pid', 'containerd.sock', 'containerd.sock.ttrpc'])
  rmSync(join(places.run, name), { force: true })

const containerd = daemon('containerd', ['containerd', '--config', containerdToml])
const dockerd = daemon('dockerd', ['dockerd', '--config-file', config])
containerd.start()
const until = async (file: string, child: Child): Promise<void> => {
  while (!existsSync(file) && child.failures < HOPELESS && !stopping.signal.aborted) await delay(10)
}
await until(places.containerd, containerd)
if (existsSync(places.containerd) && !stopping.signal.aborted) {
  dockerd.start()
  await until(places.socket, dockerd)
}
const broken = [containerd, dockerd].find((child) => child.failures >= HOPELESS)
if (!broken && !stopping.signal.aborted)
  await new Promise((resolve) => stopping.signal.addEventListener('abort', resolve))
await stopContainers().catch(() => {})
await dockerd.stop()
await containerd.stop()
if (broken) await giveUp(`${broken.name}: ${broken.lastLines.slice(-2).join(' ')}`)
await removeFootprint(places)
process.exit(0)
