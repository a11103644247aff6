import { networkInterfaces } from 'node:os'
import { type Network, parseNetwork } from '../model/address.ts'
import { type AddressPolicy, launcherNetworks, parseEndpoint } from '../model/endpoint.ts'
import type { Settings } from '../model/setting.ts'
import { nearest, reachable } from './address.ts'

/** What this gateway takes for an instance and for a launcher, whatever etcd says. */
export function policyOf(settings: Settings): AddressPolicy {
  const networks = settings.networks.flatMap(network)
  const allowed = settings.launcherNetworks.flatMap(network)
  const denied = deniedAddresses(settings)
  const named = settings.launchers.map(nearest)
  return {
    networks,
    denied,
    // Who is named in the settings needs no network that admits it.
    launchers: [
      ...(allowed.length > 0 ? allowed : launcherNetworks(networks)),
      ...named.flatMap((text) => network(parseEndpoint(text)?.host ?? '')),
    ],
    deniedLaunchers: new Set([...denied].filter((address) => !named.includes(address))),
  }
}

const network = (text: string): Network[] => {
  const parsed = parseNetwork(text)
  return parsed ? [parsed] : []
}

/** Our own control plane, as far as this process knows it: no entry in etcd may route there. */
function deniedAddresses(settings: Settings): Set<string> {
  const own = Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).map(({ address }) => address),
  )
  const listening = [settings.listen, settings.controllerAdmin, ...settings.launchers]
  return new Set([
    ...settings.denied,
    ...settings.etcd.map(memberOf),
    ...listening.flatMap((address) => reachable(address, own)),
  ])
}

/** host:port of a member's URL; one that is named and not numbered is no endpoint anyway. */
function memberOf(url: string): string {
  const { hostname, port, protocol } = new URL(url)
  const host = hostname === 'localhost' ? '127.0.0.1' : hostname
  return `${host}:${port || (protocol === 'https:' ? 443 : 80)}`
}
