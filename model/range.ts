import { type Address, formatAddress, isSpecial, parseAddress, parseNetwork } from './address.ts'

/** First and last address of `a`, `a-b` or `a/prefix`; null for anything else. */
function boundsOf(text: string): [Address, Address] | null {
  const network = text.includes('/') ? parseNetwork(text) : null
  if (network) {
    const width = BigInt((network.family === 4 ? 32 : 128) - network.prefix)
    const first = (network.bits >> width) << width
    return [
      { ...network, bits: first },
      { ...network, bits: first + (1n << width) - 1n },
    ]
  }
  const [from = '', to = from, ...rest] = text.split('-')
  const [first, last] = [parseAddress(from), parseAddress(to)]
  if (!first || !last || rest.length > 0) return null
  return first.family === last.family && first.bits <= last.bits ? [first, last] : null
}

/**
 * All addresses of a range: `10.0.0.5`, `10.0.0.5-10.0.0.20` or `10.0.0.0/27`, without those that no machine has; null
 * if it is none, or has more than `most`. Of a network of IPv4 its own address and its broadcast are left out.
 */
export function expandRange(text: string, most: number): string[] | null {
  const bounds = boundsOf(text)
  if (!bounds) return null
  const [{ family, bits: first }, { bits: last }] = bounds
  const count = last - first + 1n
  if (count > BigInt(most)) return null
  const isNetwork = text.includes('/') && family === 4 && count > 2n
  const found: string[] = []
  for (let bits = isNetwork ? first + 1n : first; bits <= (isNetwork ? last - 1n : last); bits++)
    if (!isSpecial({ family, bits })) found.push(formatAddress({ family, bits }))
  return found
}
