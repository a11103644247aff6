import { createSocket } from 'node:dgram'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { parseEndpoint } from '../../model/endpoint.ts'

/** An address this machine is to listen on, and the setting that names it. */
export interface Address {
  setting: string
  /** address:port */
  listen: string
  protocol: 'tcp' | 'udp'
}

/** Tries to listen there. The system's error code, or '' if it can be done. */
export function tryListen({ listen, protocol }: Address): Promise<string> {
  const { host, port } = parseEndpoint(listen) ?? { host: '', port: 0 }
  return new Promise((resolve) => {
    const onError = (error: NodeJS.ErrnoException): void => resolve(error.code ?? 'error')
    if (protocol === 'tcp') {
      const server = createServer().once('error', onError)
      server.listen(port, host, () => server.close(() => resolve('')))
    } else {
      const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4').once('error', onError)
      socket.bind(port, host, () => socket.close(() => resolve('')))
    }
  })
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Inodes of the sockets bound to a port: the kernel's tables have the port in hex after the address. */
function inodesOf(port: number, protocol: 'tcp' | 'udp'): Set<string> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const listening = protocol === 'tcp' ? '0A' : '07'
  const inodes = new Set<string>()
  for (const table of [protocol, `${protocol}6`])
    for (const line of read(`/proc/net/${table}`).split('\n').slice(1)) {
      const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/)
      if (local.endsWith(suffix) && state === listening && inode) inodes.add(inode)
    }
  return inodes
}

function holds(pid: string, inodes: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1]
      return inode !== undefined && inodes.has(inode)
    })
  } catch {
    return false // it ended, or is not ours to look into
  }
}

/** Who listens on a port, as `nginx (pid 4711)`; '' if that is not to be found out. */
export function holderOf(listen: string, protocol: 'tcp' | 'udp'): string {
  const inodes = inodesOf(parseEndpoint(listen)?.port ?? 0, protocol)
  if (inodes.size === 0) return ''
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    if (holds(pid, inodes)) return `${read(`/proc/${pid}/comm`).trim()} (pid ${pid})`
  return ''
}
