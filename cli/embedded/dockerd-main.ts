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

makePlaces(places)
noteBefore(places)
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
while (!existsSync(places.containerd) && !stopping.signal.aborted) await delay(10)
if (!stopping.signal.aborted) dockerd.start()
if (!stopping.signal.aborted)
  await new Promise((resolve) => stopping.signal.addEventListener('abort', resolve))
await stopContainers().catch(() => {})
await dockerd.stop()
await containerd.stop()
await removeFootprint(places)
process.exit(0)
