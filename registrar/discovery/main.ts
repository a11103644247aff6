import type { Engine } from '../../adapters/docker.ts'
import type { Store } from '../../adapters/etcd.ts'
import type { Logger } from '../../adapters/log.ts'
import { Probe } from '../../adapters/probe.ts'
import { Session } from '../../adapters/session.ts'
import { Keys } from '../../model/key.ts'
import type { Settings } from '../../model/setting.ts'
import { Discovery, type DiscoveryOptions } from './discovery.ts'

/**
 * Begins to discover, if that is wanted. It has a lease of its own: under the registrar's, an Endpoint without a container
 * of ours would be removed.
 * @param address IP address of this host's published ports, '' while it is not known
 * @returns how to stop it; what was found stays in etcd for a lease time
 */
export function startDiscovery(
  settings: Settings,
  parts: Pick<DiscoveryOptions, 'address' | 'app'> & {
    engine: Engine
    store: Store
    /** whether all apps are known */
    isInformed(): boolean
    log: Logger
  },
): () => Promise<unknown> {
  const { engine, store, address, app, isInformed, log } = parts
  const mode = settings.discover
  if (mode === 'off') return () => Promise.resolve()
  const session = new Session(store, settings.leaseTtl, { onLease: () => {}, log })
  const probe = new Probe(true)
  const discovery = new Discovery({
    ...{ mode, engine, store, address, app, log },
    ports: settings.discoverPorts,
    domain: settings.domain,
    pathPrefix: settings.pathPrefix,
    tcp: (...question) => probe.tcp(...question),
    lease: () => (isInformed() && session.valid() ? session.lease : null),
    keys: new Keys(settings.prefix),
  })
  const ending = new AbortController()
  void session.start()
  const running = discovery.run(ending.signal)
  log.info({ by: mode, ports: settings.discoverPorts }, 'discovers containers')
  return () => {
    ending.abort()
    return running
  }
}
