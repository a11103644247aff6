import { readFile } from 'node:fs/promises'
import { command } from './command.ts'
import type { Run } from './run.ts'

/** Of one run: a bridge in the machine's own network, and the addresses on it. */
export interface Network {
  bridge: string
  /** The machine's own address on the bridge. */
  gateway: string
  /** All of them: 10.94.1.0/24. */
  range: string
}

/** One place on the bridge. */
export interface Plug {
  /** tells it from the others of the run, at most 5 characters */
  name: string
  address: string
}

/** Names and addresses follow from the run's number alone, so a sweep needs no record of them. */
export function networkOf({ slot }: Run): Network {
  return { bridge: `rvlab${slot}`, gateway: `10.94.${slot}.1`, range: `10.94.${slot}.0/24` }
}

/** The address with this last number, on the bridge. The run's one engine has 11. */
export function addressOf(run: Run, number: number): string {
  return `10.94.${run.slot}.${number}`
}

/**
 * Makes the bridge, unless the run has it. Returns whether it did. Nothing is routed by the machine: who is plugged in
 * reaches it and each other.
 */
export async function makeNetwork(run: Run): Promise<boolean> {
  const { bridge, gateway } = networkOf(run)
  const there = await command('ip', 'link', 'show', bridge).then(
    () => true,
    () => false,
  )
  if (there) return false
  await command('ip', 'link', 'add', bridge, 'type', 'bridge', 'forward_delay', '0')
  await command('ip', 'addr', 'add', `${gateway}/24`, 'dev', bridge)
  await command('ip', 'link', 'set', bridge, 'up')
  if (await isFiltered()) await command('iptables', '-w', '-I', ...passRule(bridge))
  return true
}

/** Whether frames from one port of a bridge to another go through the machine's iptables, which an engine sets to DROP. */
async function isFiltered(): Promise<boolean> {
  const asked = await readFile('/proc/sys/net/bridge/bridge-nf-call-iptables', 'utf8').catch(
    () => '0',
  )
  return asked.trim() === '1'
}

const passRule = (bridge: string) => ['FORWARD', '-i', bridge, '-o', bridge, '-j', 'ACCEPT']
const outside = (run: Run, { name }: Pick<Plug, 'name'>) => `${networkOf(run).bridge}-${name}`

/** Always the same for an address: whoever had it before may still be in the others' ARP tables, for seconds. */
const macOf = ({ address }: Plug): string =>
  [
    '02',
    '00',
    ...address.split('.').map((part) => Number(part).toString(16).padStart(2, '0')),
  ].join(':')

/** Plugs the network namespace of process `pid` into the bridge. */
export async function plug(run: Run, place: Plug, pid: number): Promise<void> {
  const { bridge, gateway } = networkOf(run)
  const inside = `nsenter --target ${pid} --net ip`
  const lines = [
    `ip link add ${outside(run, place)} type veth peer eth0 address ${macOf(place)} netns ${pid}`,
    `ip link set ${outside(run, place)} master ${bridge} up`,
    `${inside} link set lo up`,
    `${inside} addr add ${place.address}/24 dev eth0`,
    `${inside} link set eth0 up`,
    `${inside} route add default via ${gateway}`,
  ]
  await command('sh', '-e', '-c', lines.join('\n'))
}

/** Pulls the plug: what is on the way is lost, and nobody is told. */
export async function unplug(run: Run, place: Pick<Plug, 'name'>): Promise<void> {
  await command('ip', 'link', 'del', outside(run, place)).catch(() => {})
}

/**
 * Removes the bridge and every plug, as far as they are there. A link goes with its network namespace, but that stays for
 * as long as the kernel has something to say to a peer that is gone.
 */
export async function removeNetwork(run: Run): Promise<void> {
  const { bridge } = networkOf(run)
  const links = (await command('ip', '-o', 'link', 'show')).matchAll(/^[0-9]+: ([^:@]+)/gm)
  for (const [, name = ''] of links)
    if (name === bridge || name.startsWith(`${bridge}-`))
      await command('ip', 'link', 'del', name).catch(() => {})
  if (await isFiltered()) await command('iptables', '-w', '-D', ...passRule(bridge)).catch(() => {})
}
