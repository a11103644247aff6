/** What an engine said about a container of ours. `at`: nanoseconds since 1970; all engines of the lab share one clock. */
export interface EngineEvent {
  at: bigint
  host: string
  action: string
  id: string
  app: string
  slot: number
}

/** A time in which a host was cut off or dead, so that its instances could be started elsewhere. Same clock; null: still. */
export interface Lost {
  host: string
  from: bigint
  to: bigint | null
}

/** In the order in which they happened. */
export function sorted(events: readonly EngineEvent[]): EngineEvent[] {
  return [...events].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
}

/** How often containers of an app were started, over all engines. */
export function starts(events: readonly EngineEvent[], app: string): number {
  return events.filter((event) => event.app === app && event.action === 'start').length
}

/** How often containers of an app ended, over all engines. */
export function ends(events: readonly EngineEvent[], app: string): number {
  return events.filter((event) => event.app === app && event.action === 'die').length
}

/**
 * I4: a slot is started once per wake in the whole cluster. So no container of a slot starts while another one of it
 * runs, unless the host of that one is lost.
 */
export function doubleStarts(events: readonly EngineEvent[], lost: readonly Lost[] = []): string[] {
  const running = new Map<string, EngineEvent[]>()
  const found: string[] = []
  for (const event of sorted(events)) {
    const slot = `${event.app}/${event.slot}`
    const others = (running.get(slot) ?? []).filter(({ id }) => id !== event.id)
    if (event.action === 'die') running.set(slot, others)
    if (event.action !== 'start') continue
    running.set(slot, [...others, event])
    for (const other of others)
      if (!isLost(other.host, event.at, lost))
        found.push(
          `I4: ${slot} was started on ${event.host} (${event.id.slice(0, 12)}) while it ran on ${other.host} (${other.id.slice(0, 12)})`,
        )
  }
  return found
}

function isLost(host: string, at: bigint, lost: readonly Lost[]): boolean {
  return lost.some((span) => span.host === host && span.from <= at && (span.to ?? at) >= at)
}

/** The most instances of one slot that ran at the same time, over all engines. */
export function mostRunning(events: readonly EngineEvent[], app: string): number {
  const running = new Map<number, Set<string>>()
  let most = 0
  for (const { action, id, slot } of sorted(events).filter((event) => event.app === app)) {
    const ids = running.get(slot) ?? new Set()
    running.set(slot, ids)
    if (action === 'start') ids.add(id)
    if (action === 'die') ids.delete(id)
    most = Math.max(most, ids.size)
  }
  return most
}
