import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Etcd3 } from 'etcd3'
import { temporaryFolder } from '../test/lab/folder.ts'
import { freePort } from '../test/lab/port.ts'
import { ask } from '../test/system/client.ts'
import { startCluster } from '../test/system/cluster.ts'
import type { Report } from './report.ts'
import { summarise } from './statistics.ts'

const PAIRS = Number(process.env.BENCH_PAIRS ?? 40)

/** The floor: an Nginx whose one include file a bare etcd watch writes, followed by a SIGHUP. Nothing is checked. */
async function startFloor(etcdUrl: string): Promise<{ origin: string; stop(): Promise<void> }> {
  const folder = await temporaryFolder()
  const port = await freePort()
  mkdirSync(join(folder, 'logs'))
  const routes = join(folder, 'routes.inc')
  const config = join(folder, 'nginx.conf')
  writeFileSync(routes, '')
  writeFileSync(
    config,
    `pid nginx.pid; error_log logs/error.log; daemon off; worker_processes 2; events { worker_connections 1024; }
http { access_log off; server { listen 127.0.0.1:${port}; include ${routes}; location / { return 404; } } }\n`,
  )
  const nginx: ChildProcess = spawn('nginx', ['-p', folder, '-c', config], { stdio: 'ignore' })
  const etcd = new Etcd3({ hosts: etcdUrl })
  const known = new Map<string, string>()
  const watcher = await etcd.watch().prefix('/floor/').create()
  watcher.on('put', (kv) => {
    known.set(kv.key.toString().slice('/floor/'.length), kv.value.toString())
    const text = [...known].map(([name, at]) => `location /${name}/ { proxy_pass http://${at}/; }`)
    writeFileSync(`${routes}.new`, `${text.join('\n')}\n`)
    renameSync(`${routes}.new`, routes)
    nginx.kill('SIGHUP')
  })
  return {
    origin: `http://127.0.0.1:${port}`,
    stop: async () => {
      await watcher.cancel()
      etcd.close()
      const ended = new Promise((resolve) => nginx.once('exit', resolve))
      nginx.kill('SIGTERM')
      await ended
    },
  }
}

/** Milliseconds from the put of a key to the first 200 at `url`, asked with 1 ms between tries. */
async function untilFirst(
  put: () => Promise<unknown>,
  origin: string,
  path: string,
): Promise<number> {
  const started = performance.now()
  await put()
  while (performance.now() - started < 20_000) {
    const answer = await ask(origin, path).catch(() => null)
    if (answer?.status === 200) return performance.now() - started
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  throw new Error(`${origin}${path} never answered 200`)
}

/** Milliseconds from the put of a key until the gateway's record says that the new configuration answers. */
async function untilApplied(etcd: Etcd3, key: string, value: string): Promise<number> {
  const started = performance.now()
  const { header } = await etcd.put(key).value(value)
  while (performance.now() - started < 20_000) {
    const record = await etcd.get('/services/gateways/lab').string()
    if (record && BigInt(JSON.parse(record).applied) >= BigInt(header.revision))
      return performance.now() - started
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  throw new Error(`${key} was never applied`)
}

/** etcd put to first 200, for an app that was not there before; both arms in turn, over one etcd and one backend. */
export async function benchRoute(): Promise<Report> {
  const backend = createServer((_request, response) => response.end('ok'))
  await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve))
  const at = `127.0.0.1:${(backend.address() as AddressInfo).port}`
  const cluster = await startCluster(['--networks', '127.0.0.0/8'])
  const floor = await startFloor(cluster.etcd.url)
  const etcd = new Etcd3({ hosts: cluster.etcd.url })
  try {
    const pairs: { floor: number; gateway: number; applied: number }[] = []
    for (let i = 0; i < PAIRS; i += 1) {
      const name = `put-${i}`
      const rest = () => new Promise((resolve) => setTimeout(resolve, 1100))
      const atFloor = await untilFirst(
        async () => etcd.put(`/floor/${name}`).value(at),
        floor.origin,
        `/${name}/`,
      )
      const atGateway = await untilFirst(
        async () => etcd.put(`/services/clusters/${name}`).value(at),
        cluster.origin,
        `/${name}/`,
      )
      await rest()
      const applied = await untilApplied(etcd, `/services/clusters/live-${i}`, at)
      pairs.push({ floor: atFloor, gateway: atGateway, applied })
      // Both arms begin at rest: the controller may reload once a second at most.
      await rest()
    }
    const gateway = summarise(pairs.map((pair) => pair.gateway))
    const ratio = summarise(pairs.map((pair) => pair.gateway / pair.floor))
    const applied = summarise(pairs.map((pair) => pair.applied))
    const reload = summarise(pairs.map((pair) => pair.applied / pair.floor))
    return {
      rows: [
        {
          metric: `etcd put to first 200, ratio p50 (n=${pairs.length})`,
          against: 'a bare watch + write + SIGHUP',
          figure: `${ratio.p50.toFixed(2)}x`,
        },
        {
          metric: 'etcd put to first 200, p50 / p99',
          against: 'by a launcher if it comes first, without a reload',
          figure: `${gateway.p50.toFixed(1)} ms / ${gateway.p99.toFixed(1)} ms`,
        },
        {
          metric: 'etcd put to a new configuration that is checked and answers, ratio p50',
          against: 'a bare watch + write + SIGHUP, which checks nothing',
          figure: `${reload.p50.toFixed(2)}x, ${applied.p50.toFixed(1)} ms / p99 ${applied.p99.toFixed(1)} ms`,
        },
      ],
      data: { pairs, gateway, ratio, applied, reload },
    }
  } finally {
    etcd.close()
    await floor.stop()
    await cluster.stop()
    backend.close()
  }
}
