import { readFileSync, writeFileSync } from 'node:fs'
import { clearCgroup, mountCgroups } from '../../../cli/embedded/cgroup.ts'
import { command } from '../../lab/command.ts'

/** Where the machines of the page stand: their network, with a way out to the packages, and the cgroups they live in. */
export const BRIDGE = 'rvfleet'
export const GATEWAY = '10.93.0.1'
const NETWORK = '10.93.0.0/24'
const CGROUP = '/reveille-fleet'
const MACHINES = ['one', 'two', 'three', 'four']
const FORWARD = '/proc/sys/net/ipv4/ip_forward'

const RULES = [
  ['-t', 'nat', 'POSTROUTING', '-s', NETWORK, '!', '-d', NETWORK, '-j', 'MASQUERADE'],
  ['-t', 'filter', 'FORWARD', '-i', BRIDGE, '-j', 'ACCEPT'],
  ['-t', 'filter', 'FORWARD', '-o', BRIDGE, '-j', 'ACCEPT'],
]

async function rule(verb: '-I' | '-D', [flag = '', table = '', ...rest]: string[]): Promise<void> {
  await command('iptables', '-w', flag, table, verb, ...rest)
}

export interface Yard {
  /** Removes the network and everything that still runs in the cgroups. */
  clear(): Promise<void>
}

/** Makes what three machines need of this one. What an earlier run left is removed first. */
export async function makeYard(): Promise<Yard> {
  await clearYard()
  mountCgroups()
  const forwarded = readFileSync(FORWARD, 'utf8')
  await command('ip', 'link', 'add', BRIDGE, 'type', 'bridge', 'forward_delay', '0')
  await command('ip', 'addr', 'add', `${GATEWAY}/24`, 'dev', BRIDGE)
  await command('ip', 'link', 'set', BRIDGE, 'up')
  for (const each of RULES) await rule('-I', each)
  writeFileSync(FORWARD, '1')
  return {
    clear: async () => {
      await clearYard()
      writeFileSync(FORWARD, forwarded)
    },
  }
}

/** Kills all of a machine at once. Its network ends some time after its last process: its wire is pulled out here. */
export async function cutOff(machine: string): Promise<void> {
  await clearCgroup(cgroupOf(machine))
  await command('ip', 'link', 'del', wireOf(machine)).catch(() => {})
}

/** Its end of the machine's wire, as nspawn names it. */
const wireOf = (machine: string): string => `vb-rv-${machine}`

async function clearYard(): Promise<void> {
  await clearCgroup(CGROUP)
  for (const machine of MACHINES)
    await command('ip', 'link', 'del', wireOf(machine)).catch(() => {})
  for (const each of RULES) await rule('-D', each).catch(() => {})
  await command('ip', 'link', 'del', BRIDGE).catch(() => {})
}

/** The cgroup a machine lives in. */
export const cgroupOf = (machine: string): string => `${CGROUP}/${machine}`
