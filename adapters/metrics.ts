import { setTimeout as pause } from 'node:timers/promises'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** Cold starts are told apart from 1 ms (a taken-back sleep) to minutes (a pull). */
const SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

/**
 * Milliseconds between looks at how late the event loop is; what it says of the longest delay includes them. Each look wakes
 * the process, asleep or not: at the library's own 10 ms that cost an idle service more than all else it did.
 */
const LOOP_LOOK = 100

/** Watches its process from the first time that it is asked on: most are never, and an idle one would be woken for nobody. */
class Watching extends Registry {
  /** when the loop has been looked at since the last answer: without a look the least delay would be 300 years */
  #looked: Promise<void> | undefined
  #answer: Promise<string> | undefined

  /** Who asks while another waits for an answer gets the same. */
  override metrics(): Promise<string> {
    this.#answer ??= this.#collect().finally(() => {
      this.#answer = undefined
    })
    return this.#answer
  }

  async #collect(): Promise<string> {
    await (this.#looked ?? this.#watch())
    const text = await super.metrics()
    this.#looked = pause(2 * LOOP_LOOK)
    return text
  }

  #watch(): Promise<void> {
    collectDefaultMetrics({ register: this, eventLoopMonitoringPrecision: LOOP_LOOK })
    return pause(2 * LOOP_LOOK)
  }
}

function registry(service: string): { registry: Registry; on: { registers: Registry[] } } {
  const registry = new Watching()
  registry.setDefaultLabels({ service })
  return { registry, on: { registers: [registry] } }
}

/** Where the time of a cold start goes: launchers and registrars each see a part of it. */
function phaseSeconds(phases: string, on: { registers: Registry[] }): Histogram<'phase'> {
  return new Histogram({
    name: 'reveille_wake_phase_seconds',
    help: `Time a cold start spends in each phase: ${phases}`,
    labelNames: ['phase'],
    buckets: SECONDS,
    ...on,
  })
}

/**
 * Every metric of a controller.
 * @param flights requests that are with instances right now, null where nginx does not tell in time; asked at each scrape,
 * and at no other time
 */
export function controllerMetrics(
  flights: () => Promise<{ app: string; slot: string; requests: number }[] | null>,
) {
  const { registry: all, on } = registry('controller')
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `reveille_gateway_${name}`, help, ...on })
  // One look for both that tell of it, begun by the first of them.
  let look: ReturnType<typeof flights> = Promise.resolve(null)
  return {
    registry: all,
    inFlightKnown: new Gauge({
      name: 'reveille_gateway_in_flight_known',
      help: '0 where nginx did not tell within a second, and this scrape has no reveille_in_flight',
      async collect() {
        look = flights()
        this.set((await look) ? 1 : 0)
      },
      ...on,
    }),
    reloads: new Counter({
      name: 'reveille_gateway_reloads_total',
      help: 'Configurations offered to the proxy, by result: live (by a reload), moved (servers, without one), refused, unconfirmed',
      labelNames: ['result'],
      ...on,
    }),
    applySeconds: new Histogram({
      name: 'reveille_gateway_apply_seconds',
      help: 'From the change to the confirmed configuration',
      buckets: SECONDS,
      ...on,
    }),
    appliedRevision: gauge('applied_revision', 'etcd revision up to which every change is live'),
    generation: gauge('generation', 'Number of the running configuration'),
    endpoints: gauge('endpoints', 'Endpoints in the running configuration'),
    rejected: gauge(
      'rejected_entries',
      'Entries in etcd that have no effect because they are not valid',
    ),
    activity: new Counter({
      name: 'reveille_gateway_activity_total',
      help: 'Use reports received from the proxy',
      ...on,
    }),
    // Not `instance`: that is what Prometheus calls the process that it asks.
    inFlight: new Gauge({
      name: 'reveille_in_flight',
      help: 'Requests that an instance has from this gateway right now, WebSockets and streams included; with live routes only',
      labelNames: ['app', 'slot'],
      async collect() {
        const found = await look
        this.reset()
        for (const { app, slot, requests } of found ?? []) this.inc({ app, slot }, requests)
      },
      ...on,
    }),
  }
}

/** Every metric of a launcher. */
export function launcherMetrics() {
  const { registry: all, on } = registry('launcher')
  return {
    registry: all,
    wakes: new Counter({
      name: 'reveille_wakes_total',
      help: 'Wakes, by result: ready, joined (another launcher started it, or its sleep was taken back), or the code of the failure',
      labelNames: ['result'],
      ...on,
    }),
    phaseSeconds: phaseSeconds(
      'queue, pull, create, start, wait (until its Endpoint is seen), answered',
      on,
    ),
    held: new Gauge({ name: 'reveille_held_requests', help: 'Requests held right now', ...on }),
    asks: new Counter({
      name: 'reveille_wake_requests_total',
      help: 'Requests asked about by gateways, by answer: upstream, unknown, page, or a problem code',
      labelNames: ['answer'],
      ...on,
    }),
    sleeps: new Counter({
      name: 'reveille_api_sleeps_total',
      help: 'Sleeps asked for by the API, by result',
      labelNames: ['result'],
      ...on,
    }),
  }
}

/** Every metric of a process that keeps pools. */
export function poolMetrics() {
  const { registry: all, on } = registry('pool')
  return {
    registry: all,
    servers: new Gauge({
      name: 'reveille_pool_servers',
      help: 'Servers this process vouches for, by reason: listed, found, announced',
      labelNames: ['reason'],
      ...on,
    }),
    probes: new Counter({
      name: 'reveille_pool_probes_total',
      help: 'Answers of members and candidates, by result: good, bad (of members)',
      labelNames: ['result'],
      ...on,
    }),
    datagrams: new Counter({
      name: 'reveille_pool_datagrams_total',
      help: 'Announcements heard, by result: taken, or why they were dropped',
      labelNames: ['result'],
      ...on,
    }),
    registrations: new Counter({
      name: 'reveille_pool_registrations_total',
      help: 'Entries written to and removed from etcd, by change: registered, removed',
      labelNames: ['change'],
      ...on,
    }),
  }
}

/** Every metric of a registrar. */
export function registrarMetrics() {
  const { registry: all, on } = registry('registrar')
  return {
    registry: all,
    instances: new Gauge({
      name: 'reveille_instances',
      help: 'Instances on this host, by state',
      labelNames: ['state'],
      ...on,
    }),
    phaseSeconds: phaseSeconds('ready (until the first good probe), registered', on),
    registrations: new Counter({
      name: 'reveille_registrations_total',
      help: 'Endpoints written to and removed from etcd, by change: registered, removed, conflict',
      labelNames: ['change'],
      ...on,
    }),
    sleeps: new Counter({
      name: 'reveille_sleeps_total',
      help: 'Instances put to sleep, by result: slept, taken-back, in-use',
      labelNames: ['result'],
      ...on,
    }),
    engineUp: new Gauge({
      name: 'reveille_engine_up',
      help: '1 while the engine answers and its events are followed',
      ...on,
    }),
  }
}
