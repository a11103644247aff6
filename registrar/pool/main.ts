import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { receiveDatagrams } from '../../adapters/activity.ts'
import { startAdmin } from '../../adapters/admin.ts'
import { connect } from '../../adapters/etcd.ts'
import { etcdOptions } from '../../adapters/etcd-settings.ts'
import { readAnswer } from '../../adapters/http-answer.ts'
import { Informer } from '../../adapters/informer.ts'
import { listening } from '../../adapters/listening.ts'
import { createLog, type Logger } from '../../adapters/log.ts'
import { poolMetrics } from '../../adapters/metrics.ts'
import { serve } from '../../adapters/serve.ts'
import { Session } from '../../adapters/session.ts'
import { isSigned, readKey } from '../../adapters/signature.ts'
import { parseNetworks } from '../../model/address.ts'
import { type AddressPolicy, memberAddress } from '../../model/endpoint.ts'
import { Keys } from '../../model/key.ts'
import type { PoolPlan } from '../../model/pool-plan.ts'
import type { Settings } from '../../model/setting.ts'
import { Refusals } from '../refusal.ts'
import { Announcements } from './announcements.ts'
import { Budget } from './budget.ts'
import { Members } from './members.ts'
import { readPlans } from './plans.ts'
import { Prober } from './prober.ts'
import { Tally } from './tally.ts'
import { targetsOf } from './targets.ts'
import { Vouching } from './vouching.ts'

/** Datagrams a second that one sender may send, and at once: an announcement is said every few seconds. */
const RATE = 50
const BURST = 100
/** Milliseconds between looks for servers that fell silent. */
const SILENCE = 250

/** Keeps pools until the process is told to end. Throws if what it is told to keep makes no sense. */
export function run(settings: Settings): Promise<void> {
  const open = async () => {
    const log = createLog('pool', settings.logLevel)
    const { stop } = await start(settings, process.env, log)
    return { log, farewell: 'pool ends, its servers stay registered for a lease time', stop }
  }
  return serve('pool', [open], settings)
}

/** Starts it in this process. */
export async function start(
  settings: Settings,
  env: NodeJS.ProcessEnv,
  log: Logger,
): Promise<{ stop(): Promise<void> }> {
  const policy = policyOf(settings)
  const file = settings.pools === '' ? null : readFileSync(settings.pools, 'utf8')
  const plans = readPlans({ file, servers: settings.servers, env }, policy)
  if (plans.length === 0)
    throw new Error('no pool is named\nName one: --pools <file>, or --servers "web=10.0.0.2:80"')
  const targets = targetsOf(plans, policy)
  const metrics = poolMetrics()
  const keys = new Keys(settings.prefix)
  const store = connect(etcdOptions(settings))
  const ending = new AbortController()
  const session = new Session(store, settings.leaseTtl, {
    onLease: (lease) => vouching.useLease(lease),
    log,
  })
  const vouching = new Vouching({
    keys,
    store,
    pools: plans.map(({ pool }) => pool),
    onDoubt: (pool, address) => prober.doubt(pool, address, ending.signal),
    onLeaseGone: () => session.check(),
    onWrite: (change) => metrics.registrations.inc({ change }),
    log,
  })
  const members = new Members((pool, addresses) => vouching.want(pool, addresses))
  for (const { pool, servers } of plans)
    for (const address of servers) members.set(pool.name, address, 'listed', true)
  const prober = new Prober({
    targets,
    read: readAnswer,
    interval: settings.scanInterval,
    onChange: (pool, address, isIn) => {
      log.info({ pool, server: address }, isIn ? 'server found' : 'server does not answer')
      members.set(pool, address, 'found', isIn)
    },
    count: (result) => metrics.probes.inc({ result }),
    log,
  })
  const isOurs = (key: string): boolean =>
    vouching.prefixes.some((prefix) => key.startsWith(prefix))
  const refusals = new Refusals(isOurs, keys, log)
  const informer = new Informer(store, [...vouching.prefixes, keys.folder('gateway')], {
    onChange: (batch, revision) => {
      for (const change of batch) {
        vouching.observe(change, revision)
        refusals.observe(change)
      }
    },
    log,
  })
  Object.assign(metrics.servers, {
    collect: () => {
      for (const [reason, count] of Object.entries(members.census()))
        metrics.servers.set({ reason }, count)
    },
  })
  const ear = await listen(settings, { plans, policy, members, metrics, log })
  const opening = startAdmin({
    listen: settings.poolAdmin,
    health: () => ({
      ok: session.valid() && informer.connected,
      detail: {
        session: session.valid(),
        etcd: informer.connected,
        pools: Object.fromEntries(
          plans.map(({ pool }) => [pool.name, vouching.members(pool.name)]),
        ),
      },
    }),
    metrics: metrics.registry,
  })
  const admin = await listening('poolAdmin', opening)
  void session.start()
  informer.start()
  void informer.synced.then(() => vouching.start())
  const probing = prober.run(ending.signal)
  log.info(
    { id: settings.id ?? hostname(), pools: plans.map(({ pool }) => pool.name) },
    'pool is up',
  )
  return {
    stop: async () => {
      ending.abort()
      ear.close()
      vouching.stop()
      informer.stop()
      await Promise.allSettled([probing, admin.close()])
      store.close() // the session is not stopped: that would revoke the lease
    },
  }
}

interface Surroundings {
  plans: readonly PoolPlan[]
  policy: AddressPolicy
  members: Members
  metrics: ReturnType<typeof poolMetrics>
  log: Logger
}

/** Listens to announcements, where there is a key. */
async function listen(settings: Settings, around: Surroundings): Promise<{ close(): void }> {
  const { plans, policy, members, metrics, log } = around
  if (settings.announceKeyFile === '') return { close: () => {} }
  const key = readKey(settings.announceKeyFile)
  const announcements = new Announcements({
    pools: new Set(plans.map(({ pool }) => pool.name)),
    policy,
    isSigned: (text, signature) => isSigned(key, text, signature),
    budget: new Budget(RATE, BURST),
    onChange: (pool, address, isIn) => {
      log.info({ pool, server: address }, isIn ? 'server announced itself' : 'server is gone')
      members.set(pool, address, 'announced', isIn)
    },
    now: () => Date.now() / 1000,
  })
  const tally = new Tally(
    (result) => metrics.datagrams.inc({ result }),
    (dropped) => log.warn(dropped, 'announcements dropped'),
  )
  const opening = receiveDatagrams(settings.announceListen, (text, source) => {
    const now = performance.now()
    tally.note(announcements.hear(text, source, now), now)
  })
  const datagrams = await listening('announceListen', opening)
  const timer = setInterval(() => {
    announcements.expire(performance.now())
    tally.flush(performance.now())
  }, SILENCE)
  return {
    close: () => {
      clearInterval(timer)
      datagrams.close()
    },
  }
}

function policyOf(settings: Settings): AddressPolicy {
  if (settings.networks.length === 0)
    throw new Error(
      'no networks are given: no server could be routed to\nSay where they may live: --networks 10.0.0.0/16',
    )
  const ears = [settings.poolAdmin, settings.announceListen]
  return {
    networks: parseNetworks(settings.networks),
    denied: new Set([...settings.denied, ...settings.etcd.map(memberAddress), ...ears]),
  }
}
