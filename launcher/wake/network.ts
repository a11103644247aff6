import type { App } from '../../model/app.ts'
import type { Network } from '../../model/network.ts'
import { startFailed } from './failure.ts'

/** What this launcher's operator says of networks. */
export interface NetworkPolicy {
  /** of apps that do not say */
  network: 'sandbox' | 'bridge'
  hostNetwork: 'on' | 'off'
}

/** Why no app gets the network of its host, for whoever asks for one. */
export const HOST_REFUSED =
  "must not be host: that is open to all that listens on its machine, and this launcher's operator has not allowed it (--host-network on)"

/**
 * Whose network an instance of the app gets. One that says nothing of it gets its own where others of its group find it by
 * a name that several instances share: a sandbox keeps the name while its instance sleeps. Throws ProblemError `start-failed` where that is its host's and not
 * allowed, whoever wrote it into etcd.
 */
export function networkOf(app: App, { network, hostNetwork }: NetworkPolicy): Network {
  if (app.network === 'host' && hostNetwork === 'off')
    throw startFailed(app.name, `its network ${HOST_REFUSED}`)
  const isNameShared = app.group !== undefined && app.replicas > 1
  return app.network ?? (isNameShared ? 'bridge' : network)
}
