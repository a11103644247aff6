/** `host:port` by instance, `<app>/<slot>`, as one witness has it. App names in lower case, as routes have them. */
export type Places = ReadonlyMap<string, string>

/** What I5 holds against each other. */
export interface Picture {
  /** by gateway: `host:port` of the servers of each app */
  routes: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>
  /** gateways whose memory has other routes than these, which are those on disk */
  behind: readonly string[]
  /** Endpoints in etcd */
  endpoints: Places
  /** running containers of ours */
  containers: readonly { app: string; slot: number; host: string; address: string }[]
  /** addresses of running containers that answered for their app when they were asked */
  healthy: ReadonlySet<string>
}

/** I5: routes = Endpoints = healthy instances = running containers. Every difference is a sentence. */
export function disagreements({
  routes,
  behind,
  endpoints,
  containers,
  healthy,
}: Picture): string[] {
  const found = behind.map((name) => `I5: ${name} has other routes in memory than on disk`)
  const running = new Map<string, string>()
  for (const { app, slot, host, address } of containers) {
    const key = `${app.toLowerCase()}/${slot}`
    const other = running.get(key)
    if (other !== undefined) found.push(`I5: two containers run as ${key}: ${other} and ${address}`)
    running.set(key, address)
    if (!healthy.has(address)) found.push(`I5: ${key} on ${host} does not answer at ${address}`)
  }
  for (const [key, address] of running)
    if (endpoints.get(key) !== address)
      found.push(`I5: ${key} runs at ${address}, its Endpoint is ${endpoints.get(key) ?? 'absent'}`)
  for (const [key, address] of endpoints)
    if (!running.has(key)) found.push(`I5: ${key} has the Endpoint ${address} and does not run`)

  const wanted = byApp(endpoints)
  for (const [gateway, apps] of routes) {
    for (const app of new Set([...wanted.keys(), ...apps.keys()])) {
      const has = [...(apps.get(app) ?? [])].sort().join(' ')
      const should = [...(wanted.get(app) ?? [])].sort().join(' ')
      if (has !== should)
        found.push(
          `I5: ${gateway} routes ${app} to ${has || 'nowhere'}, its Endpoints are ${should || 'absent'}`,
        )
    }
  }
  return found
}

function byApp(places: Places): Map<string, string[]> {
  const apps = new Map<string, string[]>()
  for (const [key, address] of places) {
    const app = key.slice(0, key.lastIndexOf('/'))
    apps.set(app, [...(apps.get(app) ?? []), address])
  }
  return apps
}

/** The routes of a gateway: the servers of every app's upstream, and of every line of its table. */
export function readRoutes(configuration: string): Map<string, string[]> {
  const routes = new Map<string, string[]>()
  const block = /^\s*upstream "?app_([A-Za-z0-9_-]+)"? \{([^}]*)\}/gm
  for (const [, app = '', body = ''] of configuration.matchAll(block)) {
    const servers = [...body.matchAll(/^\s*server "?([0-9.:[\]a-f]+)"?[ ;]/gm)]
    routes.set(
      app,
      servers.map(([, address = '']) => address),
    )
  }
  const line = /^([a-z0-9_-]+)\tn?r?s?p?h?\t\d+\t\d+\t[0-9a-f]*\t(.+)$/gm
  for (const [, app = '', peers = ''] of configuration.matchAll(line))
    routes.set(
      app,
      peers.split(' ').map((peer) => peer.replace(/\*.*$/, '')),
    )
  return routes
}
