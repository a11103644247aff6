import { readdir, readFile, readlink } from 'node:fs/promises'

/** A socket somebody listens on, as /proc/net has it. */
export interface Listener {
  protocol: 'tcp' | 'udp'
  /** as hexadecimal digits in the kernel's order; all zeros is every address */
  address: string
  port: number
  inode: string
}

const TABLES = [
  ['tcp', '/proc/net/tcp'],
  ['tcp', '/proc/net/tcp6'],
  ['udp', '/proc/net/udp'],
  ['udp', '/proc/net/udp6'],
] as const

/** TCP in state LISTEN, UDP that is not connected (`07`). */
const LISTENING = { tcp: '0A', udp: '07' }

/** Reads a table of /proc/net. */
export function parseListeners(protocol: 'tcp' | 'udp', table: string): Listener[] {
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/)
    const [address = '', port = ''] = local.split(':')
    if (state !== LISTENING[protocol] || port === '') return []
    return [{ protocol, address, port: Number.parseInt(port, 16), inode }]
  })
}

/** Everything that listens in this network namespace. */
export async function readListeners(): Promise<Listener[]> {
  const tables = TABLES.map(async ([protocol, path]) =>
    parseListeners(protocol, await readFile(path, 'utf8').catch(() => '')),
  )
  return (await Promise.all(tables)).flat()
}

/** A process that has a socket open. */
export interface Holder {
  pid: number
  command: string
}

/** Who has these sockets open, by inode. Of other users' processes only root can know. */
export async function findHolders(inodes: ReadonlySet<string>): Promise<Map<string, Holder[]>> {
  const holders = new Map<string, Holder[]>()
  if (inodes.size === 0) return holders
  for (const name of await readdir('/proc')) {
    if (!/^[0-9]+$/.test(name)) continue
    for (const inode of await socketsOf(name)) {
      if (!inodes.has(inode)) continue
      const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')
      const holder = { pid: Number(name), command: line.replaceAll('\0', ' ').trim() }
      holders.set(inode, [...(holders.get(inode) ?? []), holder])
    }
  }
  return holders
}

async function socketsOf(pid: string): Promise<Set<string>> {
  const folder = `/proc/${pid}/fd`
  const names = await readdir(folder).catch(() => [])
  const links = await Promise.all(names.map((fd) => readlink(`${folder}/${fd}`).catch(() => '')))
  return new Set(links.flatMap((link) => /^socket:\[([0-9]+)\]$/.exec(link)?.[1] ?? []))
}
