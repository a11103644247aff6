import { contains, parseAddress, parseNetwork } from '../../model/address.ts'
import { type Check, fail, ok, warn } from './check.ts'

/** Whether instances of this host would be routed to: an endpoint outside the networks is refused everywhere. */
export const checkNetworks: Check = async ({ etcd, networks, address }) => {
  if (networks.length === 0) {
    if (etcd.length === 0) return [ok('networks', 'worked out by reveille up')]
    const mend =
      'Name them for controllers and launchers: --networks 10.0.0.0/16 (reveille up works them out).'
    return [warn('networks', 'none is given, so nothing can be routed to', mend)]
  }
  const own = parseAddress(address)
  const known = networks.some((text) => {
    const network = parseNetwork(text)
    return network !== null && own !== null && contains(network, own)
  })
  if (own === null || known) return [ok('networks', networks.join(', '))]
  const mend = 'Correct --networks or --address; networks must be the same for all of the cluster.'
  return [fail('networks', `address ${address} is in none of ${networks.join(', ')}`, mend)]
}
