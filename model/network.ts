import { z } from 'zod'

/** Whose network an instance has. */
export const NETWORKS = ['sandbox', 'bridge', 'host'] as const

/**
 * sandbox: that of a tiny container which stays while the app sleeps, and its address with it, so that a start
 * is short; bridge: its own, made at each start; host: that of its machine, where nothing is between it and others.
 */
export const Network = z.enum(NETWORKS, 'must be sandbox, bridge or host')
export type Network = z.output<typeof Network>

/** What says on a container that its network is a sandbox's or the host's. */
export const NETWORK_LABEL = 'reveille.network'
/** What says that a container is a sandbox: the name of the container that it is for. */
export const SANDBOX_LABEL = 'reveille.sandbox'

/** The name of the sandbox of a container. No app's container has a dot in its name. */
export function sandboxName(container: string): string {
  return `${container}.sandbox`
}

/** Whether a container is called and labelled like a sandbox. */
export function isSandbox(name: string, labels: Readonly<Record<string, string>>): boolean {
  const container = labels[SANDBOX_LABEL]
  return container !== undefined && name === sandboxName(container)
}
