import { parseAddress } from '../model/address.ts'

/** Whom an address stands for: of IPv6 its network, as a machine has as many addresses there as it likes. */
export function clientOf(text: string): string {
  const address = parseAddress(text)
  return address?.family === 6 && address.bits >> 32n !== 0xffffn
    ? `${address.bits >> 64n}::/64`
    : text
}
