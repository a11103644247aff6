import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { GatewayPlanInput } from '../controller/plan.ts'
import { temporaryFolder } from '../test/lab/folder.ts'
import { startHaproxy } from '../test/lab/haproxy.ts'
import { startNginx } from '../test/lab/nginx.ts'
import { startPart } from '../test/lab/part.ts'
import { freePort } from '../test/lab/port.ts'
import { ask } from '../test/system/client.ts'
import { startGateway } from '../test/templates/gateway.ts'
import { children } from './cpu.ts'

/** A proxy under load. */
export interface Proxy {
  origin: string
  /** for the load generator's script */
  folder: string
  /** the processes that serve requests */
  workers: number[]
  stop(): Promise<void>
}

/** An app, and where it is: host:port. */
export interface Target {
  name: string
  at: string
}

/** The Debian package's; --live auto asks nginx itself. */
const MODULES = '/usr/lib/nginx/modules'

/** What the gateway has of Reveille's template and these apps, live or by reload. No launcher, no controller. */
export async function ourGateway(
  targets: readonly Target[],
  { live, activity }: { live: boolean; activity: string },
): Promise<Proxy> {
  const plan: Partial<GatewayPlanInput> = {
    apps: targets.map(({ name, at }) => ({ name, endpoints: [at] })),
    launchers: ['127.0.0.1:9'],
    activity,
    live: live ? MODULES : '',
    connections: 8192,
    files: 65_536,
  }
  const { origin, plan: whole, nginx, stop } = await startGateway(plan)
  return ready({ origin, folder: whole.folder, pid: nginx.pid, stop })
}

/** What somebody would write by hand: a location and a kept-alive upstream each, and the headers that the gateway sends. */
export async function staticNginx(targets: readonly Target[]): Promise<Proxy> {
  const { folder, port } = await place()
  const upstreams = targets.map(
    ({ name, at }) => `  upstream ${name} { server ${at}; keepalive 16; }`,
  )
  const locations = targets.map(
    ({ name }) => `    location /${name}/ {
      proxy_set_header Host $http_host; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_header;
      proxy_set_header X-Forwarded-Prefix /${name}; proxy_set_header X-Forwarded-Host $http_host; proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Real-IP $remote_addr;
      proxy_pass http://${name}/; }`,
  )
  const nginx = await startNginx(
    write(
      folder,
      'nginx.conf',
      `user www-data; worker_processes auto; worker_rlimit_nofile 65536; pid ${folder}/nginx.pid; error_log stderr crit;
events { worker_connections 8192; }
http { access_log off; server_tokens off; keepalive_requests 10000; client_max_body_size 0; client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/unused; uwsgi_temp_path ${folder}/unused; scgi_temp_path ${folder}/unused;
${upstreams.join('\n')}
  map $http_upgrade $connection_header { default upgrade; "" ""; }
  server { listen 127.0.0.1:${port} backlog=4096; proxy_http_version 1.1; proxy_buffering off; proxy_read_timeout 1h;
${locations.join('\n')}
  } }\n`,
    ),
  )
  return ready({ origin: `http://127.0.0.1:${port}`, folder, ...nginx, stop: () => nginx.stop() })
}

/** HAProxy by hand: a backend each, found in a map, and the same headers. */
export async function haproxy(targets: readonly Target[]): Promise<Proxy> {
  const { folder, port } = await place()
  const map = write(folder, 'apps.map', targets.map(({ name }) => `${name} ${name}\n`).join(''))
  const backends = targets.map(
    ({ name, at }) => `backend ${name}
  http-request set-header X-Forwarded-Prefix /${name}
  http-request replace-path /[^/]*(/.*) \\1
  server one ${at}`,
  )
  const { pid, stop } = await startHaproxy(
    write(
      folder,
      'haproxy.cfg',
      `global
  maxconn 8192
defaults
  mode http
  timeout connect 1s
  timeout client 1h
  timeout server 1h
frontend all
  bind 127.0.0.1:${port} backlog 4096
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Real-IP %[src]
  use_backend %[path,field(2,/),map(${map})]
${backends.join('\n')}\n`,
    ),
  )
  return ready({ origin: `http://127.0.0.1:${port}`, folder, pid, stop })
}

/** Caddy by hand. It sets X-Forwarded-For, -Host and -Proto by itself. */
export async function caddy(targets: readonly Target[]): Promise<Proxy> {
  const { folder, port } = await place()
  const handles = targets.map(
    ({ name, at }) => `  handle_path /${name}/* {
    reverse_proxy ${at} {
      header_up X-Forwarded-Prefix /${name}
      header_up X-Real-IP {remote_host}
      flush_interval -1
      transport http {
        keepalive_idle_conns_per_host 64
      }
    }
  }`,
  )
  const text = `{
  admin off
  auto_https off
}
:${port} {
  bind 127.0.0.1
${handles.join('\n')}
}\n`
  const part = await startPart(
    'env',
    ['-C', folder, `HOME=${folder}`, 'caddy', 'run', '--config', write(folder, 'Caddyfile', text)],
    folder,
  )
  const origin = `http://127.0.0.1:${port}`
  return ready({ origin, folder, pid: part.pid, stop: () => part.end(), alone: true })
}

/** Ports that answer two bytes: the apps. */
export async function startBackends(count: number): Promise<Proxy & { ports: number[] }> {
  const { folder, port } = await place()
  const ports = await Promise.all(Array.from({ length: count }, freePort))
  const listens = ports.map((each) => `listen 127.0.0.1:${each} backlog=4096;`).join(' ')
  const nginx = await startNginx(
    write(
      folder,
      'nginx.conf',
      `user www-data; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr crit;
events { worker_connections 8192; }
http { access_log off; keepalive_requests 100000000; keepalive_timeout 60s;
  server { listen 127.0.0.1:${port} backlog=4096; ${listens}
    location / { default_type text/plain; return 200 "ok"; } } }\n`,
    ),
  )
  const origin = `http://127.0.0.1:${port}`
  return { ...(await ready({ origin, folder, ...nginx, stop: () => nginx.stop() })), ports }
}

async function place(): Promise<{ folder: string; port: number }> {
  const folder = await temporaryFolder()
  chmodSync(folder, 0o755)
  mkdirSync(join(folder, 'logs'))
  return { folder, port: await freePort() }
}

function write(folder: string, name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

/** Resolves once it answers anything. `alone`: the process has no workers but itself. */
async function ready(started: {
  origin: string
  folder: string
  pid: number
  stop(): Promise<void>
  alone?: boolean
}): Promise<Proxy> {
  const { origin, folder, pid, stop, alone = false } = started
  for (let i = 0; i < 400; i += 1) {
    if (await ask(origin, '/').catch(() => null))
      return { origin, folder, workers: alone ? [pid] : children(pid), stop }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await stop()
  throw new Error(`${origin} did not answer`)
}
