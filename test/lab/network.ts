import { command } from './command.ts'
import type { Run } from './run.ts'

/** Of one run: a bridge in the machine's own network, and the addresses on it. */
export interface Network {
  bridge: string
  /** The machine's own address on the bridge. */
  gateway: string
}

/** Names and addresses follow from the run's number alone, so a sweep needs no record of them. */
export function networkOf(run: Run): Network {
  return { bridge: `rvlab${run.slot}`, gateway: `10.94.${run.slot}.1` }
}

/** The address of the run's nth engine (from 1), on the bridge. */
export function addressOf(run: Run, engine: number): string {
  return `10.94.${run.slot}.${10 + engine}`
}

/** Makes the bridge. Nothing is routed or forwarded by the machine: engines reach it, and it reaches them. */
export async function makeNetwork(run: Run): Promise<void> {
  const { bridge, gateway } = networkOf(run)
  await command('ip', 'link', 'add', bridge, 'type', 'bridge', 'forward_delay', '0')
  await command('ip', 'addr', 'add', `${gateway}/24`, 'dev', bridge)
  await command('ip', 'link', 'set', bridge, 'up')
}

/** Plugs the network namespace of process `pid` into the bridge, as the run's nth engine. */
export async function plug(run: Run, engine: number, pid: number): Promise<void> {
  const { bridge, gateway } = networkOf(run)
  const outside = `${bridge}-${engine}`
  await command('ip', 'link', 'add', outside, 'type', 'veth', 'peer', 'eth0', 'netns', `${pid}`)
  await command('ip', 'link', 'set', outside, 'master', bridge, 'up')
  const inside = ['nsenter', '--target', `${pid}`, '--net', 'ip']
  for (const line of [
    'link set lo up',
    `addr add ${addressOf(run, engine)}/24 dev eth0`,
    'link set eth0 up',
    `route add default via ${gateway}`,
  ]) {
    await command(inside[0] as string, ...inside.slice(1), ...line.split(' '))
  }
}

/** Removes the bridge, if there is one. The engines' links went with their namespaces. */
export async function removeNetwork(run: Run): Promise<void> {
  await command('ip', 'link', 'del', networkOf(run).bridge).catch(() => {})
}
