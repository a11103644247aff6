import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { connect, type Store } from '../../../adapters/etcd.ts'
import { Informer } from '../../../adapters/informer.ts'
import { revisionAt } from '../../../adapters/launcher-health.ts'
import { Session } from '../../../adapters/session.ts'
import { buildApi } from '../../../launcher/api/api.ts'
import type { Control, Engines } from '../../../launcher/api/control.ts'
import { Catalog } from '../../../launcher/catalog.ts'
import { Others } from '../../../launcher/others.ts'
import type { Bring } from '../../../launcher/roll/exchange.ts'
import { buildSpawner, type SpawnerOptions } from '../../../launcher/spawner/spawner.ts'
import { wayTo } from '../../../launcher/spawner/way-to.ts'
import { parseNetwork } from '../../../model/address.ts'
import { Keys } from '../../../model/key.ts'
import { ProblemError } from '../../../model/problem.ts'
import { State } from '../../../model/state.ts'
import { type LabEtcd, startEtcd } from '../../lab/etcd.ts'

export const TOKEN = 'a-token-for-tests-only-0123456789'
export const bearer = { authorization: `Bearer ${TOKEN}` }

export interface StageOptions {
  /** when the launcher knows the cluster; what its informer says unless given */
  synced?: Promise<void>
  registries?: string[]
  hostNetwork?: 'on' | 'off'
  hosts?: string[]
  control?: Partial<Control>
  engines?: Engines
  drainTimeout?: number
  listen?: string
  /** with the spawner API; what it knows of its users, and what else is to be other than usual */
  spawner?: Pick<SpawnerOptions, 'login'> & Partial<SpawnerOptions>
}

/** The API with all that is behind it but engines and wakes, on an etcd of its own. */
export interface Stage {
  api: FastifyInstance
  /** where there is to be one */
  spawner: FastifyInstance | null
  etcd: LabEtcd
  store: Store
  keys: Keys
  catalog: Catalog
  session: Session
  /** lines of the log */
  log: string[]
  /** a request with the token */
  ask(
    method: InjectOptions['method'],
    url: string,
    body?: object,
    headers?: Record<string, string>,
  ): Promise<LightMyRequestResponse>
  /** every key with its revision: what a refused request must not change */
  contents(): Promise<string[]>
  /** the launcher hears nothing more from etcd */
  deafen(): void
  /** another launcher on the same etcd */
  second(): Promise<Pick<Stage, 'api' | 'spawner' | 'close'>>
  close(): Promise<void>
}

export async function openStage(options: StageOptions = {}): Promise<Stage> {
  const etcd = await startEtcd()
  const keys = new Keys()
  const log: string[] = []
  const first = await launcher(etcd, keys, 'launcher-1', log, options)
  const others: { close(): Promise<void> }[] = []
  const { store } = first
  return {
    ...first,
    etcd,
    keys,
    log,
    ask: (method, url, body, headers = {}) =>
      first.api.inject({
        method: method ?? 'GET',
        url,
        headers: { ...bearer, ...headers },
        ...(body && { payload: body }),
      }),
    contents: async () => {
      const { entries } = await store.list(`${keys.prefix}/`)
      return entries.map(({ key, modRevision }) => `${key}@${modRevision}`)
    },
    second: async () => {
      const other = await launcher(etcd, keys, `launcher-${others.length + 2}`, log, options)
      others.push(other)
      return other
    },
    close: async () => {
      await first.close()
      for (const other of others) await other.close()
      await etcd.stop()
    },
  }
}

async function launcher(
  etcd: LabEtcd,
  keys: Keys,
  id: string,
  log: string[],
  options: StageOptions,
) {
  const store = connect({ urls: [etcd.url] })
  const networks = [parseNetwork('172.16.0.0/12'), parseNetwork('10.0.0.0/8')].filter(
    (network) => network !== null,
  )
  const catalog = new Catalog(new State(keys, { networks, denied: new Set() }), keys)
  const informer = new Informer(store, [`${keys.prefix}/`], {
    onChange: (batch, revision) => catalog.apply(batch, revision),
  })
  const logger = pino({ base: null }, { write: (line: string) => void log.push(line) })
  const session = new Session(store, 10, { onLease: () => {}, log: logger })
  await session.start()
  informer.start()
  await informer.synced
  const shared = {
    listen: options.listen ?? '127.0.0.1:8091',
    hosts: options.hosts ?? [],
    registries: options.registries ?? ['*'],
    hostNetwork: options.hostNetwork ?? ('off' as const),
    drainTimeout: options.drainTimeout ?? 30,
    id,
    catalog,
    synced: options.synced ?? informer.synced,
    store,
    session,
    others: new Others({ id, catalog, ask: revisionAt }),
    control: {
      wake: async (app: string) => {
        throw new ProblemError('unavailable', { app, detail: 'nothing can be woken here' })
      },
      bring: async ({ app: { name } }: Bring) => {
        throw new ProblemError('unavailable', { app: name, detail: 'nothing is started here' })
      },
      prove: async () => {},
      judge: async () => [],
      progress: () => null,
      onProgress: () => () => {},
      ...options.control,
    },
    engines: options.engines ?? {
      at: () => {
        throw new Error('there is no engine here')
      },
    },
    log: logger,
  }
  const health = () => ({ ok: true })
  const api = buildApi({ ...shared, token: TOKEN, health, metrics: new Registry() })
  const spawner =
    options.spawner === undefined
      ? null
      : buildSpawner({
          ...shared,
          wayTo: (app) => wayTo(app, { pathPrefix: '', cookie: 'instance' }, app),
          ...options.spawner,
        })
  return {
    api,
    spawner,
    store,
    catalog,
    session,
    deafen: () => informer.stop(),
    close: async () => {
      await api.close()
      await spawner?.close()
      informer.stop()
      await session.stop()
      store.close()
    },
  }
}
