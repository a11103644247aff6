import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type GatewayPlanInput } from '../controller/plan.ts'
import { compile } from '../controller/render.ts'
import { temporaryFolder } from '../test/lab/folder.ts'
import { freePort } from '../test/lab/port.ts'
import { ask } from '../test/system/client.ts'
import { children, cpuMicroseconds } from './cpu.ts'
import { load } from './load.ts'
import type { Report, Row } from './report.ts'
import { pairedRatio } from './statistics.ts'

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 7)
const SIZES = [10, 300, 1000]
/** Requests go round 64 apps at most, spread over the whole list. */
const ASKED = 64
const TEMPLATE = join(import.meta.dirname, '../templates/nginx.conf.njk')

interface Proxy {
  origin: string
  process: ChildProcess
  folder: string
}

async function startNginx(write: (folder: string, port: number) => string): Promise<Proxy> {
  const folder = await temporaryFolder()
  for (const name of ['logs', 'body', 'proxy', 'unused']) mkdirSync(join(folder, name))
  const port = await freePort()
  const config = join(folder, 'nginx.conf')
  writeFileSync(config, write(folder, port))
  const child = spawn('nginx', ['-p', folder, '-c', config, '-g', 'daemon off;'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const proxy = { origin: `http://127.0.0.1:${port}`, process: child, folder }
  for (let i = 0; i < 200; i += 1) {
    if (await ask(proxy.origin, '/').catch(() => null)) return proxy
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`nginx did not start: ${readFileSync(config, 'utf8').slice(0, 300)}`)
}

async function stop(proxy: Proxy): Promise<void> {
  const ended = new Promise((resolve) => proxy.process.once('exit', resolve))
  proxy.process.kill('SIGTERM')
  await ended
}

/** Sixteen ports that answer two bytes: the apps. */
async function startApps(): Promise<Proxy & { ports: number[] }> {
  const ports = await Promise.all(Array.from({ length: 16 }, freePort))
  const proxy = await startNginx(
    (
      folder,
      port,
    ) => `user www-data; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr crit;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 1000000; keepalive_timeout 60s;
  server { listen 127.0.0.1:${port} backlog=4096; ${ports.map((p) => `listen 127.0.0.1:${p} backlog=4096;`).join(' ')}
    location / { default_type text/plain; return 200 "ok"; } } }\n`,
  )
  return { ...proxy, ports }
}

/** What somebody would write by hand for `names`: a location and a kept-alive upstream each, the usual headers. */
function handWritten(
  names: string[],
  at: (i: number) => string,
  folder: string,
  port: number,
): string {
  const upstreams = names.map((name, i) => `  upstream ${name} { server ${at(i)}; keepalive 16; }`)
  const locations = names.map((name) => `    location /${name}/ { proxy_pass http://${name}/; }`)
  return `user www-data; worker_processes auto; worker_rlimit_nofile 65536; pid ${folder}/nginx.pid; error_log stderr crit;
events { worker_connections 8192; }
http { access_log off; keepalive_requests 10000; client_max_body_size 0;
${upstreams.join('\n')}
  map $http_upgrade $connection_header { default upgrade; "" ""; }
  server { listen 127.0.0.1:${port} backlog=4096;
    proxy_http_version 1.1; proxy_buffering off; proxy_read_timeout 1h;
    proxy_set_header Host $http_host; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_header;
    proxy_set_header X-Forwarded-Host $http_host; proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Real-IP $remote_addr;
${locations.join('\n')}
  } }\n`
}

/** CPU time of the proxy's workers per request, microseconds, and requests per second. */
async function measure(proxy: Proxy, paths: string[]): Promise<{ cpu: number; perSecond: number }> {
  const workers = children(proxy.process.pid as number)
  const before = cpuMicroseconds(workers)
  const result = await load(proxy.folder, proxy.origin, paths)
  if (result.failed > 0) throw new Error(`${result.failed} requests failed at ${proxy.origin}`)
  return { cpu: (cpuMicroseconds(workers) - before) / result.requests, perSecond: result.perSecond }
}

/** Warm requests: CPU time per request and requests per second of the gateway, over a static Nginx written by hand. */
export async function benchWarm(): Promise<Report> {
  const apps = await startApps()
  // Where the gateway reports used apps, as it does to a controller.
  const activity = createSocket('udp4').bind(0, '127.0.0.1')
  await once(activity, 'listening')
  const rows: Row[] = []
  const data: Record<string, unknown> = {}
  try {
    for (const size of SIZES) {
      const names = Array.from({ length: size }, (_, i) => `app-${String(i).padStart(4, '0')}`)
      const at = (i: number): string => `127.0.0.1:${apps.ports[i % apps.ports.length]}`
      const template = compile(readFileSync(TEMPLATE, 'utf8'))
      const gateway = await startNginx((folder, port) => {
        const plan: GatewayPlanInput = {
          generation: 1,
          apps: names.map((name, i) => ({ name, endpoints: [at(i)] })),
          launchers: ['127.0.0.1:9'],
          listen: `127.0.0.1:${port}`,
          activity: `127.0.0.1:${activity.address().port}`,
          holdTimeout: 60,
          folder,
          user: 'www-data',
          connections: 8192,
          files: 65_536,
        }
        return template(plan)
      })
      const byHand = await startNginx((folder, port) => handWritten(names, at, folder, port))
      const step = Math.max(1, Math.floor(size / ASKED))
      const paths = names.filter((_, i) => i % step === 0).map((name) => `/${name}/page?x=1`)
      const rounds: {
        hand: { cpu: number; perSecond: number }
        gateway: (typeof rounds)[0]['hand']
      }[] = []
      for (let round = 0; round < ROUNDS; round += 1) {
        // Who goes first alternates, so that a slow drift of the machine favours neither.
        const first = round % 2 === 0
        const early = await measure(first ? byHand : gateway, paths)
        const late = await measure(first ? gateway : byHand, paths)
        rounds.push(first ? { hand: early, gateway: late } : { hand: late, gateway: early })
      }
      await stop(gateway)
      await stop(byHand)
      const cpu = pairedRatio(rounds.map((r) => ({ a: r.hand.cpu, b: r.gateway.cpu })))
      const rate = pairedRatio(rounds.map((r) => ({ a: r.hand.perSecond, b: r.gateway.perSecond })))
      data[size] = { rounds, cpu, rate }
      const against = `static Nginx by hand, ${size} apps (n=${ROUNDS})`
      const range = (r: { ratio: number; min: number; max: number }): string =>
        `${r.ratio.toFixed(2)}x [${r.min.toFixed(2)}-${r.max.toFixed(2)}]`
      rows.push(
        {
          metric: `warm CPU per request, ${size} apps`,
          against,
          figure: range(cpu),
          ...(size === 10 && { bar: '<= 1.5x', reached: cpu.ratio <= 1.5 }),
        },
        { metric: `warm requests per second, ${size} apps`, against, figure: range(rate) },
      )
    }
  } finally {
    activity.close()
    await stop(apps)
  }
  return { rows, data }
}
