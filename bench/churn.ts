import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { Etcd3 } from 'etcd3'
import { WebSocket, WebSocketServer } from 'ws'
import { temporaryFolder } from '../test/lab/folder.ts'
import { ask, askUntil } from '../test/system/client.ts'
import { type Cluster, startCluster } from '../test/system/cluster.ts'
import { cpuMicroseconds, family, named, roleOf } from './cpu.ts'
import { type LoadResult, load } from './load.ts'
import { startBackends } from './proxies.ts'
import { type Report, times } from './report.ts'
import { seedApps, seedName } from './seed.ts'
import { pairedRatio } from './statistics.ts'

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 6)
/** Of each arm in each round: 60 s with changes in all. */
const SECONDS = 10
const PER_SECOND = 100
const KNOWN = 100
const CLIENTS = 64
const SOCKETS = 100
/** Requests per second of all clients together: what a small site has, and no more than half of what there could be. */
const RATE = 1000
/** Each service in a process of its own, where its CPU can be told. */
const FLAGS = ['--networks', '127.0.0.0/8', '--services', 'apart']
/** Whose CPU is told apart. */
const PARTS = ['controller', 'launcher', 'registrar', 'etcd', 'nginx'] as const
/** Apps that are asked; each has two instances, one of which is somewhere else now and then. */
const ASKED = 10

/**
 * A hundred changes a second in etcd under load: apps come and go, and those that are asked change their instances. Held
 * against the same load without changes, in turn.
 */
export async function benchChurn(): Promise<Report> {
  const backends = await startBackends(16)
  const sockets = await startSockets()
  const before = (url: string) => seedApps(url, KNOWN, backends.ports)
  const cluster = await startCluster(FLAGS, { before })
  const etcd = new Etcd3({ hosts: cluster.etcd.url })
  try {
    await etcd.put('/services/clusters/socket').value(`127.0.0.1:${sockets.port}`)
    for (const app of ['socket', seedName(KNOWN - 1)])
      await askUntil(cluster.origin, `/${app}/`, ({ status }) => status < 500, 30)
    await pause(3000)
    const open = await openSockets(cluster, SOCKETS)
    const generation = async () => (await ask(cluster.origin, '/_reveille/generation')).text
    const began = await generation()
    const folder = await temporaryFolder()
    const paths = Array.from({ length: ASKED }, (_, i) => `/${seedName(i)}/page`)
    const one = (): Promise<LoadResult> =>
      load(folder, cluster.origin, paths, { connections: CLIENTS, seconds: SECONDS, rate: RATE })
    const rounds: Round[] = []
    await one()
    for (let round = 0; round < ROUNDS; round += 1) {
      const quietFirst = round % 2 === 0
      let quiet = quietFirst ? await withCosts(cluster, one) : null
      const stop = change(etcd, backends.ports)
      const changing = await withCosts(cluster, one)
      const changes = await stop()
      await pause(1000)
      quiet ??= await withCosts(cluster, one)
      rounds.push({ quiet, changing, changes })
    }
    const cut = open.filter((socket) => socket.readyState !== WebSocket.OPEN).length
    for (const socket of open) socket.terminate()
    const reloads = Number(await generation()) - Number(began)
    return { ...report(rounds, cut, reloads), data: { rounds, cut, reloads } }
  } finally {
    etcd.close()
    await cluster.stop()
    sockets.server.close()
    await backends.stop()
  }
}

/** A load, and the CPU that each part of the cluster took for it and beside it, microseconds. */
type Arm = LoadResult & { cpu: Record<Part, number> }
type Part = (typeof PARTS)[number]
interface Round {
  quiet: Arm
  changing: Arm
  changes: number
}

async function withCosts(cluster: Cluster, work: () => Promise<LoadResult>): Promise<Arm> {
  const pids = family(cluster.pid)
  const of = (part: Part): number[] =>
    part === 'etcd' ? named(cluster.etcd.url) : pids.filter((pid) => roleOf(pid) === part)
  const groups = PARTS.map((part) => ({ part, pids: of(part) }))
  const before = groups.map((group) => cpuMicroseconds(group.pids))
  const result = await work()
  const cpu = groups.map(({ part, pids: each }, i) => [
    part,
    cpuMicroseconds(each) - (before[i] ?? 0),
  ])
  return { ...result, cpu: Object.fromEntries(cpu) as Record<Part, number> }
}

/** Changes etcd until it is stopped; says then how often it did. */
function change(etcd: Etcd3, ports: readonly number[]): () => Promise<number> {
  let stopped = false
  const loop = (async () => {
    const began = performance.now()
    let made = 0
    const writes: Promise<unknown>[] = []
    while (!stopped) {
      const due = ((performance.now() - began) / 1000) * PER_SECOND
      for (; made < due; made += 1) writes.push(make(etcd, made, ports))
      await pause(5)
    }
    await Promise.all(writes)
    return made
  })()
  return () => {
    stopped = true
    return loop
  }
}

/** The n-th change: of ten, one moves the second instance of an app that is asked; the others are apps that come and go. */
async function make(etcd: Etcd3, n: number, ports: readonly number[]): Promise<void> {
  const at = `127.0.0.1:${ports[n % ports.length]}`
  const turn = Math.floor(n / 10)
  if (n % 10 === 0) {
    const second = `/services/clusters/${seedName(turn % ASKED)}/1`
    await etcd.put(second).value(at)
  } else {
    const key = `/services/clusters/come-${n % 10}-${Math.floor(turn / 2) % 20}`
    if (turn % 2 === 0) await etcd.put(key).value(at)
    else await etcd.delete().key(key)
  }
}

/** An app that sends back what a WebSocket says. */
async function startSockets(): Promise<{ server: WebSocketServer; port: number }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  server.on('connection', (socket) => socket.on('message', (data) => socket.send(data)))
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

async function openSockets({ origin }: Cluster, count: number): Promise<WebSocket[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const socket = new WebSocket(`${origin.replace('http', 'ws')}/socket/`)
      await once(socket, 'open')
      return socket
    }),
  )
}

function report(rounds: readonly Round[], cut: number, reloads: number): Omit<Report, 'data'> {
  const sum = (of: (round: Round) => number): number =>
    rounds.reduce((total, round) => total + of(round), 0)
  const failed = sum(({ changing }) => changing.failed)
  const p99 = pairedRatio(rounds.map(({ quiet, changing }) => ({ a: quiet.p99, b: changing.p99 })))
  const p50 = pairedRatio(rounds.map(({ quiet, changing }) => ({ a: quiet.p50, b: changing.p50 })))
  const perSecond = (sum(({ changes }) => changes) / (ROUNDS * SECONDS)).toFixed(0)
  const against = 'the same load without changes, in turn'
  const mark = (label: string, { ratio, min, max }: typeof p99, bar?: number) => {
    return { label, middle: ratio, low: min, high: max, ...(bar !== undefined && { bar }) }
  }
  return {
    rows: [
      {
        metric: `${perSecond} changes a second for ${ROUNDS * SECONDS} s, ${CLIENTS} keep-alive clients without retry: failed`,
        against: `${sum(({ quiet }) => quiet.failed)} of ${sum(({ quiet }) => quiet.requests)} without changes`,
        figure: `${failed} of ${sum(({ changing }) => changing.requests)}`,
        bar: '0',
        reached: failed === 0,
      },
      {
        metric: `  of ${SOCKETS} WebSockets: cut`,
        against: `reloads meanwhile: ${reloads}`,
        figure: String(cut),
        bar: '0',
        reached: cut === 0,
      },
      {
        metric: `  p99 of requests at ${RATE} a second`,
        against,
        figure: times(p99),
        bar: '<= 1.5x',
        reached: p99.ratio <= 1.5,
        mark: mark('p99', p99, 1.5),
      },
      { metric: '  median of requests', against, figure: times(p50), mark: mark('median', p50) },
      ...PARTS.map((part) => ({
        metric: `  CPU of each change: ${part}`,
        against: 'what it takes without changes is taken off',
        figure: `${(sum(({ quiet, changing }) => changing.cpu[part] - quiet.cpu[part]) / sum(({ changes }) => changes) / 1000).toFixed(2)} ms`,
      })),
    ],
    unit: 'times what it is without changes',
  }
}
