import { canonical } from './name.ts'

/**
 * The id of an instance in a gateway's cookie: every gateway and every launcher gives one instance one id, and an id tells
 * nobody an address.
 * @param endpoint as formatEndpoint writes it
 * @param sha256 in hexadecimal digits
 */
export function pinOf(
  { app, slot, endpoint }: { app: string; slot: number; endpoint: string },
  sha256: (text: string) => string,
): string {
  return sha256(`reveille instance ${canonical(app)}/${slot} ${endpoint}`).slice(0, 16)
}

/** What an id looks like. */
export const PIN = /^[0-9a-f]{16}$/

/**
 * The cookie by which a client stays with the instance that `pin` stands for.
 * @param prefix what the app's paths begin with, outside
 */
export function pinCookie(pin: string, prefix: string): string {
  return `reveille_instance=${pin}; Path=${prefix}/; HttpOnly; SameSite=Lax`
}
