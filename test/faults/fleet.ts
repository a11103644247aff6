import type { FleetOptions } from '../lab/fleet/fleet.ts'

/** KiB of each gateway's run folder: some configurations and tables, so that P17 can take what is left. */
const ROOM = 256

/**
 * The fleet that all faults share: with TLS and users on every line, as one runs it for real.
 * @param live whether running apps are in nginx's memory: demanded, so that nobody gets the other kind unawares
 */
export function fleetOf(live: 'on' | 'off' = 'on'): FleetOptions {
  return { secure: true, engines: 'tls', runDisk: ROOM, settings: { controller: { live } } }
}
