import type { LabFleet, LabHost } from '../test/lab/fleet/fleet.ts'
import { startFleet } from '../test/lab/fleet/start-fleet.ts'
import { APP_IMAGE } from '../test/lab/image.ts'
import { ask } from '../test/system/client.ts'
import type { Report, Row } from './report.ts'
import { median, summarise } from './statistics.ts'
import { containerOf } from './twin.ts'

const ROUNDS = Number(process.env.BENCH_DEATHS ?? 2)
/** Of the registrars' leases, seconds: before it is over nobody may start the slot of a silent host anew. */
const TTL = 10

/** Ways for a host to die, and how it is brought back. */
const DEATHS: Record<string, { kill(fleet: LabFleet, host: LabHost, app: string): Promise<void> }> =
  {
    /** The kernel lives on and refuses connections: engine, registrar and containers are gone. */
    refused: {
      kill: async (_fleet, host, app) => {
        const container = await containerOf(host.docker, app)
        await host.registrar.kill()
        await container.kill()
        await host.dockerd.kill()
      },
    },
    /** Nothing answers and nothing is refused. */
    'black-holed': { kill: (fleet, host) => fleet.partition(host.name) },
  }

/** What a client waited for, milliseconds. */
interface Round {
  death: string
  /** from the death of the host to the next good answer of an app with one instance */
  single: number
  /** the same of an app with an instance on another host */
  replicated: number
  /** first byte of a like app that has no container anywhere */
  cold: number
  warm: number
}

/**
 * From the death of a host to the next good answer. An app with one instance is held against a cold start in the same
 * round: nobody can be faster, and where the host is silent nobody may start a second one before its lease is over.
 */
export async function benchDeath(): Promise<Report> {
  const fleet = await startFleet({ leaseTtl: TTL })
  const rounds: Round[] = []
  try {
    for (let round = 0; round < ROUNDS; round++)
      for (const death of Object.keys(DEATHS)) rounds.push(await die(fleet, death, round))
  } finally {
    await fleet.stop()
  }
  return { rows: Object.keys(DEATHS).flatMap((death) => rowsOf(death, rounds)), data: { rounds } }
}

async function die(fleet: LabFleet, death: string, round: number): Promise<Round> {
  const name = (kind: string): string => `${death.slice(0, 3)}-${kind}-${round}`
  const [single, pair, fresh] = ['single', 'pair', 'fresh'].map(name) as [string, string, string]
  const origin = fleet.gateways[0]?.origin ?? ''
  for (const app of [single, fresh])
    await fleet.add({ name: app, image: APP_IMAGE, idleAfter: '1h' })
  const cold = (await good(origin, fresh)).firstByte
  await good(origin, single)
  const host = await hostOf(fleet, single)
  await addPair(fleet, pair, host)
  const warm = (await good(origin, single)).firstByte
  await DEATHS[death]?.kill(fleet, host, single)
  const began = performance.now()
  const [one, two] = await Promise.all(
    [single, pair].map((app) => good(origin, app).then(() => performance.now() - began)),
  )
  await fleet.heal(host.name)
  if (!host.dockerd.isRunning) await host.dockerd.start()
  if (!host.registrar.isRunning) await host.registrar.start()
  for (const app of [single, pair, fresh]) await forget(fleet, app)
  return { death, single: one ?? 0, replicated: two ?? 0, cold, warm }
}

/** The first good answer, however often it takes. */
async function good(origin: string, app: string): Promise<{ firstByte: number }> {
  const end = Date.now() + 120_000
  for (let last = ''; Date.now() < end; ) {
    const answer = await ask(origin, `/${app}/`, { timeout: 90_000 }).catch((error) => error)
    if (answer.status === 200) return answer
    last = answer.text ?? answer.message
    if (Date.now() > end) throw new Error(`${app} does not answer: ${last}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`${app} did not answer in two minutes`)
}

async function hostOf(fleet: LabFleet, app: string): Promise<LabHost> {
  for (const host of fleet.hosts)
    if (await containerOf(host.docker, app).catch(() => null)) return host
  throw new Error(`${app} runs nowhere`)
}

/** Adds an app with an instance on `host` and one on another: a third host would leave it to chance. Waits until both run. */
async function addPair(fleet: LabFleet, app: string, host: LabHost): Promise<void> {
  const [, ...unused] = fleet.hosts.filter(({ name }) => name !== host.name)
  const constraints = unused.map(({ name }) => `host!=${name}`)
  const replicas = { replicas: 2, min: 2 }
  await fleet.add({ name: app, image: APP_IMAGE, idleAfter: '1h', ...replicas, constraints })
  const end = Date.now() + 60_000
  while (Date.now() < end) {
    const { entries } = await fleet.etcd.list(`/services/clusters/${app}`)
    if (entries.length === 2 && entries.some(({ value }) => value.startsWith(`${host.address}:`)))
      return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error(`${app} never had two instances, one of them on ${host.name}`)
}

/** Its containers on a host that was away are stopped by then, or will be; the app is forgotten all the same. */
async function forget(fleet: LabFleet, app: string): Promise<void> {
  const end = Date.now() + 60_000
  while (Date.now() < end) {
    const answer = await fleet.launchers[0]?.api('DELETE', `/v1/apps/${app}`).catch(() => null)
    if (answer && answer.status < 300) return
    if (answer?.status === 404) return
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

function rowsOf(death: string, all: readonly Round[]): Row[] {
  const rounds = all.filter((round) => round.death === death)
  const lease = death === 'refused' ? 0 : TTL * 1000
  const ratio = summarise(rounds.map(({ single, cold }) => single / (lease + cold)))
  const ms = (values: number[]): string => `${median(values).toFixed(0)} ms`
  return [
    {
      metric: `host dies (${death}), one instance: next good answer (n=${rounds.length})`,
      against: `${lease > 0 ? `its lease of ${TTL} s and ` : ''}a cold start, ${ms(rounds.map(({ cold }) => cold))}`,
      figure: `${ratio.p50.toFixed(2)}x [${ratio.min.toFixed(2)}-${ratio.max.toFixed(2)}], ${ms(rounds.map(({ single }) => single))}`,
    },
    {
      metric: `host dies (${death}), an instance elsewhere: next good answer`,
      against: `a warm request, ${ms(rounds.map(({ warm }) => warm))}`,
      figure: ms(rounds.map(({ replicated }) => replicated)),
    },
  ]
}
