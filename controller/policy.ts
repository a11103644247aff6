import { networkInterfaces } from 'node:os'
import { parseNetworks } from '../model/address.ts'
import {
  type AddressPolicy,
  launcherNetworks,
  memberAddress,
  parseEndpoint,
} from '../model/endpoint.ts'
import type { Settings } from '../model/setting.ts'
import { nearest, reachable } from './address.ts'

/** What this gateway takes for an instance and for a launcher, whatever etcd says. */
export function policyOf(settings: Settings): AddressPolicy {
  const networks = parseNetworks(settings.networks)
  const allowed = parseNetworks(settings.launcherNetworks)
  const denied = deniedAddresses(settings)
  const named = settings.launchers.map(nearest)
  return {
    networks,
    denied,
    // Who is named in the settings needs no network that admits it.
    launchers: [
      ...(allowed.length > 0 ? allowed : launcherNetworks(networks)),
      ...parseNetworks(named.map((text) => parseEndpoint(text)?.host ?? '')),
    ],
    deniedLaunchers: new Set([...denied].filter((address) => !named.includes(address))),
  }
}

/** Our own control plane, as far as this process knows it: no entry in etcd may route there. */
function deniedAddresses(settings: Settings): Set<string> {
  const own = Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).map(({ address }) => address),
  )
  const listening = [settings.listen, settings.controllerAdmin, ...settings.launchers]
  return new Set([
    ...settings.denied,
    ...settings.etcd.map(memberAddress),
    ...listening.flatMap((address) => reachable(address, own)),
  ])
}
