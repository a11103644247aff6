import { parseNetworks } from '../model/address.ts'
import type { AddressPolicy } from '../model/endpoint.ts'
import type { Settings } from '../model/setting.ts'

/** What this launcher takes for an instance and for a launcher, whatever etcd says. */
export function policyOf(settings: Settings): AddressPolicy {
  const launchers = parseNetworks(settings.launcherNetworks)
  return {
    networks: parseNetworks(settings.networks),
    denied: new Set(settings.denied),
    ...(launchers.length > 0 && { launchers }),
  }
}
