import type { FleetOptions } from '../lab/fleet/fleet.ts'

/** The fleet that all faults share: with TLS and users on every line, as one runs it for real. */
export const FLEET: FleetOptions = { secure: true, engines: 'tls' }
