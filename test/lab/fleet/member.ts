import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Agent, fetch } from 'undici'
import { readTls } from '../certificate.ts'
import type { LabMember } from './fleet.ts'
import { Machine } from './machine.ts'
import type { Program } from './program.ts'
import { type Place, placesOf, type Site } from './site.ts'

/** A machine with a member of etcd. */
export class Member extends Machine implements LabMember {
  readonly url: string
  readonly etcd: Program
  readonly #data: string

  constructor(site: Site, place: Place) {
    super(site, place)
    const scheme = site.options.secure ? 'https' : 'http'
    const peerOf = ({ address }: Place) => `${scheme}://${address}:2380`
    const cluster = placesOf(site, 'members').map((each) => `${each.name}=${peerOf(each)}`)
    this.url = `${scheme}://${place.address}:2379`
    this.#data = join(this.folder, 'data')
    this.etcd = this.install('etcd', {
      command: [
        ...['etcd', '--name', place.name, '--data-dir', this.#data],
        ...['--log-level', 'warn', '--logger', 'zap'],
        ...['--listen-client-urls', this.url, '--advertise-client-urls', this.url],
        ...['--listen-peer-urls', peerOf(place), '--initial-advertise-peer-urls', peerOf(place)],
        ...['--initial-cluster', cluster.join(',')],
        // on a machine that runs a whole fleet: quick, but not so quick that a busy moment is an election
        ...['--heartbeat-interval', '50', '--election-timeout', '500'],
        ...(site.options.secure ? securityOf(site) : []),
      ],
      // cut off from the others it will not be healthy, but it can be up
      ready: async () =>
        this.isCut
          ? (await this.statusOf(`${this.url}/health`, curlOptions(site))) > 0
          : isHealthy(this.url, site),
    })
  }

  async wipe(): Promise<void> {
    if (this.etcd.isRunning)
      throw new Error(`etcd of ${this.name} runs: end it before its data goes`)
    await rm(this.#data, { recursive: true, force: true })
  }
}

/** Clients and members alike show a certificate of the fleet's authority. */
function securityOf({ certificates: { ca, server } }: Site): string[] {
  return ['', 'peer-'].flatMap((whose) => [
    ...[`--${whose}cert-file`, server.cert, `--${whose}key-file`, server.key],
    ...[`--${whose}client-cert-auth`, `--${whose}trusted-ca-file`, ca.cert],
  ])
}

function curlOptions({ options, certificates: { ca, client } }: Site): string[] {
  if (!options.secure) return []
  return ['--cacert', ca.cert, '--cert', client.cert, '--key', client.key]
}

/** Whether it has a leader and can write. */
async function isHealthy(url: string, { options, certificates }: Site): Promise<boolean> {
  const { ca, client } = certificates
  const agent = new Agent(options.secure ? { connect: await readTls(ca, client) } : {})
  try {
    const answer = await fetch(`${url}/health`, {
      signal: AbortSignal.timeout(1_000),
      dispatcher: agent,
    })
    return ((await answer.json()) as { health: string }).health === 'true'
  } finally {
    await agent.destroy()
  }
}
