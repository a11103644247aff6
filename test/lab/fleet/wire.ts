/** One reason to drop packets at a machine's own network interface. */
export interface Drop {
  /** the other machine; any unless given */
  peer?: { name: string; address: string }
  /** of each packet, 0 to 1; all unless given */
  probability?: number
}

/**
 * Before anything else looks at what comes, and after everything else is done with what goes: so it holds for what a
 * machine says itself and for what it passes on to its containers. Nobody is told, and what stays within the machine
 * stays whole.
 */
const SIDES = [
  { table: 'raw', hook: 'PREROUTING', interface: '-i', peer: '-s' },
  { table: 'mangle', hook: 'POSTROUTING', interface: '-o', peer: '-d' },
] as const

/** The commands that begin (`-I`) or end (`-D`) it, one per line. */
export function dropScript(action: '-I' | '-D', { peer, probability }: Drop): string {
  return SIDES.map((side) =>
    [
      `iptables -w -t ${side.table} ${action} ${side.hook} ${side.interface} eth0`,
      ...(peer ? [`${side.peer} ${peer.address}`] : []),
      ...(probability === undefined
        ? []
        : [`-m statistic --mode random --probability ${probability}`]),
      '-j DROP',
    ].join(' '),
  ).join('\n')
}
