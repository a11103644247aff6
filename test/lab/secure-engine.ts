import { mkdir } from 'node:fs/promises'
import { type Certificate, makeCa, makeCertificate } from './certificate.ts'
import { addressOf, plug, unplug } from './network.ts'
import { type Part, startPart } from './part.ts'
import { currentRun } from './run.ts'

/** A real dockerd that listens with TLS and asks for a certificate. It runs no containers. */
export interface SecureEngine {
  url: string
  address: string
  dockerd: Part
  ca: Certificate
  client: Certificate
  /** Starts its dockerd again after its end. */
  start(): Promise<Part>
  /** Ends it, and its machine: there is room for one. */
  stop(): Promise<void>
}

/** Its address: beyond those of machines with containers. */
const NUMBER = 190
const PLACE = { name: 'tls' }

/**
 * Starts it in a network and mount namespace of its own, at an address of the run's bridge: without a bridge for
 * containers, for two dockerds in one namespace would take each other's away.
 */
export async function startSecureEngine(folder: string): Promise<SecureEngine> {
  const run = currentRun()
  const address = addressOf(run, NUMBER)
  await mkdir(folder, { recursive: true })
  const ca = await makeCa(folder)
  const server = await makeCertificate(folder, 'server', ca, [address])
  const client = await makeCertificate(folder, 'client', ca)
  const script = 'mkdir -p /run/containerd && mount -t tmpfs tmpfs /run/containerd && echo up'
  const inside = ['--net', '--mount', '--propagation', 'private', 'sh', '-e', '-c']
  const host = await startPart('unshare', [...inside, `${script}; exec sleep infinity`])
  await host.until(async () => host.output.includes('up'))
  await plug(run, { ...PLACE, address }, host.pid)
  const url = `tcp://${address}:2376`
  const start = async (): Promise<Part> => {
    const enter = ['--target', `${host.pid}`, '--net', '--mount', 'dockerd']
    const dockerd = await startPart('nsenter', [
      ...[...enter, '--host', url, '--host', `unix://${folder}/docker.sock`],
      ...['--tlsverify', '--tlscacert', ca.cert, '--tlscert', server.cert, '--tlskey', server.key],
      ...['--bridge', 'none', '--iptables=false', '--ip6tables=false', '--ip-forward=false'],
      ...['--data-root', `${folder}/data`, '--exec-root', `${folder}/exec`],
      ...['--pidfile', `${folder}/dockerd.pid`],
    ])
    await dockerd.until(async () => dockerd.output.includes('API listen on 10.'), 40_000)
    return dockerd
  }
  const secure: SecureEngine = {
    ...{ url, address, ca, client, start, dockerd: await start() },
    stop: async () => {
      await secure.dockerd.end()
      await host.kill()
      await unplug(run, PLACE)
    },
  }
  return secure
}
