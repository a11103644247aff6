import type { Engine } from '../../../launcher/api/control.ts'
import { revisionOf } from '../../../launcher/revision.ts'
import type { Bring } from '../../../launcher/roll/exchange.ts'
import { startFailed } from '../../../launcher/wake/failure.ts'
import { App, type AppInput } from '../../../model/app.ts'
import type { Container } from '../../../model/container.ts'
import { formatEndpoint } from '../../../model/endpoint.ts'
import { writeLabels } from '../../../model/label.ts'
import { containerName } from '../../../model/name.ts'
import { ProblemError } from '../../../model/problem.ts'
import { Claim } from '../../../model/record.ts'
import { openCliStage } from '../../cli/stage.ts'

/** Engines and registrars of some hosts as the API meets them: played, but with etcd as it is. */
export type Played = Awaited<ReturnType<typeof openPlayed>>

export async function openPlayed(hosts: string[]) {
  /** containers by host */
  const engines = new Map(hosts.map((name) => [name, new Map<string, Container>()]))
  /** hosts whose engine fails */
  const silent = new Set<string>()
  /** what every start meets, in order: a reason why it fails, something that happens meanwhile, or null */
  const fates: (string | (() => Promise<void>) | null)[] = []
  /** what happened: `start shop/0 on h1`, `sleep shop/0`, `remove shop/0 on h1` */
  const history: string[] = []
  let made = 0

  const engineOf = (host: string): Engine => ({
    ping: async () => {
      if (silent.has(host)) throw new Error('no answer')
    },
    list: async () => {
      if (silent.has(host)) throw new Error('no answer')
      return [...(engines.get(host)?.values() ?? [])].map((container) => ({ ...container }))
    },
    remove: async (id) => {
      const container = engines.get(host)?.get(id)
      if (container?.state === 'running') throw new Error(`${container.name} runs`)
      if (container) history.push(`remove ${container.name.slice('reveille-'.length)} on ${host}`)
      engines.get(host)?.delete(id)
    },
    groups: {
      dropNetwork: async (group) => void history.push(`drop network of ${group} on ${host}`),
      hasVolume: async () => false,
      removeVolume: async () => {
        throw new Error('nothing here removes volumes')
      },
    },
    async *logs() {
      yield* ['its', 'last', 'lines']
    },
  })

  const container = (app: App, slot: number, more: Partial<Container> = {}): Container => {
    const { port, health, idleAfter, stopTimeout, min, group } = app
    const revision = revisionOf(app)
    return {
      ...{
        id: `c${++made}`,
        name: containerName(app.name, slot),
        state: 'running',
        image: app.image,
      },
      labels: writeLabels({
        ...{ app: app.name, slot, port, health, idleAfter, stopTimeout, min, revision },
        ...(group !== undefined && { group }),
      }),
      ...{ exitCode: 0, error: '', health: 'none', published: {}, pid: 0 },
      ...more,
    }
  }

  /** As a launcher does it: on the host that has the fewest and is not drained. */
  const bring = async ({ app, slot, isWanted }: Bring) => {
    const fate = fates.shift() ?? null
    if (typeof fate === 'function') await fate()
    const known = stage.catalog.endpoint(app.name, slot)
    if (known) return known
    const wanted =
      isWanted ??
      (() => {
        const now = stage.catalog.find(app.name)
        return now !== null && revisionOf(now) === revisionOf(app)
      })
    if (!wanted()) throw new ProblemError('unavailable', { detail: 'it was changed meanwhile' })
    const open = hosts.filter((name) => !stage.catalog.state.drains.has(name))
    const sizes = open.map((name): [number, string] => [engines.get(name)?.size ?? 0, name])
    const [, host] = sizes.sort(([a, one], [b, other]) => a - b || (one < other ? -1 : 1))[0] ?? []
    if (host === undefined) throw new ProblemError('unavailable', { detail: 'no host is left' })
    history.push(`start ${app.name}/${slot} on ${host}`)
    const there = [...(engines.get(host)?.values() ?? [])].find(
      ({ name }) => name === containerName(app.name, slot),
    )
    if (there) engines.get(host)?.delete(there.id)
    const reason = typeof fate === 'string' ? fate : null
    const fresh = container(app, slot, reason === null ? {} : { state: 'exited', exitCode: 1 })
    engines.get(host)?.set(fresh.id, fresh)
    if (reason !== null) throw startFailed(app.name, reason)
    return await register(host, app.name, slot)
  }

  const register = async (host: string, app: string, slot: number) => {
    const endpoint = { host: `10.0.0.${hosts.indexOf(host) + 1}`, port: 40_000 + made }
    await stage.store.put(stage.keys.endpoint(app, slot), formatEndpoint(endpoint))
    const seen = () => stage.catalog.endpoint(app, slot)?.port === endpoint.port
    await stage.catalog.when(app, () => seen() || null, AbortSignal.timeout(5_000))
    return endpoint
  }

  const stage = await openCliStage({
    drainTimeout: 1,
    engines: { at: (url) => engineOf(url.slice('unix:///'.length)) },
    control: { bring },
  })

  /** What a registrar does that is asked to put a slot to sleep. */
  const obey = async (key: string, app: string, slot: number, modRevision: string) => {
    const { value } = (await stage.store.get(key)) ?? { value: '{}' }
    const claim = JSON.stringify({ ...JSON.parse(value), owner: 'registrar/1', phase: 'stopping' })
    const taken = await stage.store.replace(key, claim, { modRevision })
    if (taken === null) return
    history.push(`sleep ${app}/${slot}`)
    await stage.store.remove(stage.keys.endpoint(app, slot))
    for (const containers of engines.values())
      for (const one of containers.values())
        if (one.name === containerName(app, slot)) one.state = 'exited'
    await stage.store.remove(key, { modRevision: taken })
  }
  stage.catalog.onChange((batch) => {
    for (const change of batch) {
      const key = change.type === 'put' ? stage.keys.parse(change.entry.key) : null
      if (key?.kind !== 'claim' || change.type !== 'put') continue
      const { phase, firm } = Claim.parse(JSON.parse(change.entry.value))
      if (phase === 'requested' && firm)
        void obey(change.entry.key, key.app, key.slot, change.entry.modRevision)
    }
  })
  for (const [at, name] of hosts.entries()) {
    const where = { address: `10.0.0.${at + 1}`, publish: `10.0.0.${at + 1}` }
    const record = { name, ...where, engine: `unix:///${name}`, cpus: 2, memory: 4e9 }
    await stage.store.put(stage.keys.named('host', name), JSON.stringify(record))
  }
  const until = async (test: () => boolean): Promise<void> => {
    while (!test()) await new Promise((resolve) => setTimeout(resolve, 10))
  }
  await until(() => stage.catalog.state.hosts.size === hosts.length)

  return {
    ...stage,
    engines,
    silent,
    fates,
    history,
    container,
    /** Stores an app. */
    add: async (input: AppInput): Promise<App> => {
      const app = App.parse(input)
      await stage.store.put(stage.keys.named('app', app.name), JSON.stringify(app))
      await until(() => stage.catalog.state.app(app.name)?.image === app.image)
      return app
    },
    /** An instance that runs and is registered. */
    run: async (host: string, app: App, slot: number): Promise<void> => {
      const one = container(app, slot)
      engines.get(host)?.set(one.id, one)
      await register(host, app.name, slot)
    },
    /** `shop-0 shop:1 running` of every container, by host. */
    there: (): Record<string, string[]> =>
      Object.fromEntries(
        [...engines].map(([host, containers]) => [
          host,
          [...containers.values()]
            .map(({ name, image, state }) => `${name.slice('reveille-'.length)} ${image} ${state}`)
            .sort(),
        ]),
      ),
    /** Forgets every app and container, and all that was drained. */
    clear: async (): Promise<void> => {
      for (const kind of ['app', 'drain', 'endpoint', 'roll'] as const)
        for (const { key } of (await stage.store.list(stage.keys.folder(kind))).entries)
          await stage.store.remove(key)
      for (const containers of engines.values()) containers.clear()
      silent.clear()
      fates.length = 0
      history.length = 0
      const { apps, drains, endpoints, rolls } = stage.catalog.state
      await until(() => apps.size + drains.size + endpoints.size + rolls.size === 0)
    },
  }
}
