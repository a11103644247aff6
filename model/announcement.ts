import { parseEndpoint } from './endpoint.ts'
import { isAppName } from './name.ts'

/** What an instance says of itself by one UDP datagram. */
export interface Announcement {
  state: 'up' | 'down'
  pool: string
  /** host:port in its canonical spelling */
  address: string
  /** seconds after which it counts as gone unless it says so again */
  ttl: number
  /** when it was said, seconds since 1970 */
  time: number
  /** 8 to 32 hexadecimal digits, so that no two of a second are alike */
  nonce: string
}

/** Longest datagram there can be, bytes. */
export const LONGEST = 256
const LARGEST_TTL = 3600

const FORM =
  /^(reveille1 (up|down) (\S{1,63}) (\S{9,47}) ([1-9][0-9]{0,3}) ([1-9][0-9]{9}) ([0-9a-f]{8,32})) ([0-9a-f]{64})\n?$/

/** What is signed: a datagram is this text, a space, and its HMAC-SHA256 as 64 hexadecimal digits. */
export function announcementText(it: Announcement): string {
  return `reveille1 ${it.state} ${it.pool} ${it.address} ${it.ttl} ${it.time} ${it.nonce}`
}

/** Reads a datagram; null for whatever is none. Nothing is believed of it before `signature` is that of `text`. */
export function parseAnnouncement(
  datagram: string,
): { announcement: Announcement; text: string; signature: string } | null {
  if (datagram.length > LONGEST) return null
  const [, text = '', state, pool = '', address = '', ttl, time, nonce = '', signature = ''] =
    FORM.exec(datagram) ?? []
  if (!isAppName(pool) || !parseEndpoint(address) || Number(ttl) > LARGEST_TTL) return null
  const announcement = {
    ...{ state: state === 'up' ? ('up' as const) : ('down' as const), pool, address, nonce },
    ...{ ttl: Number(ttl), time: Number(time) },
  }
  return { announcement, text, signature }
}
