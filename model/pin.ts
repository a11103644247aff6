import { canonical } from './name.ts'

/**
 * What the id of an instance in a gateway's cookie is the hash of (SHA-256, its first {@link PIN_LENGTH} hexadecimal
 * digits): every gateway and every launcher gives one instance one id, and an id tells nobody an address.
 * @param endpoint as formatEndpoint writes it
 */
export function pinText(app: string, slot: number, endpoint: string): string {
  return `reveille instance ${canonical(app)}/${slot} ${endpoint}`
}

export const PIN_LENGTH = 16

/** What an id looks like. */
export const PIN = /^[0-9a-f]{16}$/

/**
 * The cookie by which a client stays with the instance that `pin` stands for.
 * @param prefix what the app's paths begin with, outside
 */
export function pinCookie(pin: string, prefix: string): string {
  return `reveille_instance=${pin}; Path=${prefix}/; HttpOnly; SameSite=Lax`
}
