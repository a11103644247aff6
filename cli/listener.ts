import { readdir, readFile, readlink } from 'node:fs/promises'
import { parseAddress } from '../model/address.ts'
import { parseEndpoint } from '../model/endpoint.ts'

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

/** Whether a socket stands in the way of one on `host`: the same address, or one of them is every address. */
export function overlaps({ address }: Listener, host: string): boolean {
  if (/^0+$/.test(address)) return true
  const wanted = parseAddress(host)
  if (!wanted || wanted.bits === 0n) return true
  return kernelForm(wanted.bits, wanted.family) === address
}

/** /proc/net writes addresses as 32-bit words in the order of the processor. */
function kernelForm(bits: bigint, family: 4 | 6): string {
  const words = (
    bits
      .toString(16)
      .padStart(family === 4 ? 8 : 32, '0')
      .match(/.{8}/g) ?? []
  ).map((word) => (word.match(/../g) ?? []).reverse().join(''))
  return words.join('').toUpperCase()
}

/** A process that has a socket open. */
export interface Holder {
  pid: number
  /** of its program: `nginx` */
  name: string
  /** its command line */
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
      const [comm, line] = await Promise.all(
        ['comm', 'cmdline'].map((file) =>
          readFile(`/proc/${name}/${file}`, 'utf8').catch(() => ''),
        ),
      )
      const command = (line ?? '').replaceAll('\0', ' ').trim()
      const holder = { pid: Number(name), name: (comm ?? '').trim(), command }
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

/** Who stands in the way of listening on address:port, as `nginx (pid 4711)`; '' if that is not to be found out. */
export async function holderOf(listen: string, protocol: 'tcp' | 'udp'): Promise<string> {
  const { host, port } = parseEndpoint(listen) ?? { host: '', port: 0 }
  const inodes = (await readListeners())
    .filter((each) => each.protocol === protocol && each.port === port && overlaps(each, host))
    .map(({ inode }) => inode)
  // A server's children have its socket too; the lowest number is most likely the server.
  const holders = [...(await findHolders(new Set(inodes))).values()].flat()
  const [first] = holders.sort((a, b) => a.pid - b.pid)
  return first ? `${first.name} (pid ${first.pid})` : ''
}
