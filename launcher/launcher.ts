import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { Control } from './api/control.ts'
import { HOSTS } from './catalog.ts'
import { controlOf } from './control.ts'
import { Fleet } from './fleet.ts'
import { EventStreams } from './gate/events.ts'
import { buildGate } from './gate/gate.ts'
import { Holds } from './gate/hold.ts'
import { Pages } from './gate/page.ts'
import { leads } from './gate/way.ts'
import { Keeper } from './keep/keep.ts'
import type { LauncherOptions } from './options.ts'
import { Guesses } from './place/guesses.ts'
import { Homes } from './place/home.ts'
import { MakingRoom } from './place/making-room.ts'
import { Placeless } from './place/placeless.ts'
import { Placement } from './place/placement.ts'
import { Prefetch } from './place/prefetch.ts'
import { Reservations } from './place/reservation.ts'
import { Room } from './place/room.ts'
import { Vacancies } from './place/vacant.ts'
import { Slots } from './roll/slots.ts'
import { Availability } from './wake/available.ts'
import { Backoff } from './wake/backoff.ts'
import { Board } from './wake/board.ts'
import { Claims } from './wake/claim.ts'
import { Dependencies } from './wake/dependencies.ts'
import { Ends } from './wake/ends.ts'
import { Launchpad } from './wake/launch.ts'
import { Living } from './wake/living.ts'
import { MakingAddress } from './wake/making-address.ts'
import { Proof } from './wake/proof.ts'
import { Starter } from './wake/start.ts'
import { Starts } from './wake/starts.ts'
import { noteUses } from './wake/use.ts'
import { Wakes } from './wake/wake.ts'
import { Witnesses } from './witness/witnesses.ts'

/** How long after its end we may hear of a lease's end, seconds. */
const NOTICE = 5

export interface Launcher {
  /** the wake port's server; whoever made the launcher listens and closes */
  server: FastifyInstance
  /** what the private API works with */
  control: Control
  /** requests held right now */
  held(): number
  /** begins to keep slots filled; call it when the catalog is complete */
  start(): void
  /** lets go of everybody who waits, and gives up wakes under way */
  end(): void
}

/** Joins the parts of a launcher. Opens nothing and starts nothing by itself. */
export function createLauncher(options: LauncherOptions): Launcher {
  const { id, catalog, store, session, engines, hook, meter, log, settings } = options
  const tellsReasons = settings.reasons === 'full'
  const board = new Board()
  const backoff = new Backoff()
  const living = new Living(catalog, options.reach, settings.leaseTtl + NOTICE)
  const holds = new Holds({
    perApp: settings.heldPerApp,
    perClient: settings.heldPerClient,
    total: settings.heldTotal,
  })
  const earlier = (): string | null => options.earlier?.() ?? null
  const claims = new Claims({ catalog, store, session, id, earlier })
  const room = new Room(catalog, settings)
  const homes = new Homes(catalog, store, engines)
  const placement = new Placement({ catalog, engines, room, homes })
  const claiming = {
    ...{ catalog, store, session },
    owner: () => `${id}/${randomUUID()}`,
    now: () => new Date(),
  }
  const { drainTimeout } = settings
  const starter = new Starter({
    ...{ catalog, claims, engines, room, homes, placement, guesses: new Guesses(catalog) },
    placeless: new Placeless(),
    makingRoom: new MakingRoom({ ...claiming, placement, drainTimeout }),
    launchpad: new Launchpad({
      ...settings,
      launchers: () => catalog.state.launchers.size,
      makingAddress: new MakingAddress(claiming),
      log,
    }),
    reservations: new Reservations({ catalog, store, room }),
    dependencies: new Dependencies({ catalog, board, wake: (app) => wakes.need(app) }),
  })
  const availability = new Availability({
    hook,
    deadline: settings.availableTimeout,
    onTrouble: (question, error) =>
      log.warn({ app: question.name, error: String(error) }, 'the isAvailable hook gave no answer'),
  })
  const starts = new Starts({ catalog, living, backoff, board, starter, meter, log })
  const wakes: Wakes = new Wakes({ living, availability, backoff, starts })
  const fleet = new Fleet({ catalog, engines })
  const slots = new Slots({ ...claiming, engines, fleet, drainTimeout })
  const keeper = new Keeper({
    catalog,
    fill: (app, slot) => wakes.fill(app, slot),
    retire: (app, slot) => slots.retire(app.name, slot),
  })
  const proof = new Proof({ ...claiming, drainTimeout, isOn: settings.proveRoutes === 'on', log })
  const events = new EventStreams({ catalog, board, backoff, tellsReasons })
  const gate = buildGate({
    find: (name, way) => {
      const app = catalog.find(name)
      return app && leads(app, way) ? app : null
    },
    isSigned: options.isSigned ?? null,
    runs: (app) => catalog.state.slots(app).size > 0,
    // One that has an App and no route is as unknown here as one that nobody registered.
    registered: async (name, dead) =>
      catalog.find(name) ? null : await living.registered(name, dead),
    wake: (app, asker) => wakes.ask(app, asker),
    prove: (app) => proof.of(app.name),
    pinOf: (app, endpoint) => living.pinOf(app, endpoint),
    progress: (app) => board.current(app),
    holds,
    pages: new Pages(options.templates),
    events,
    count: (answer) => meter.ask(answer),
    health: options.health,
    synced: options.synced,
    holdTimeout: settings.holdTimeout,
    pageAfter: settings.pageAfter,
    tellsReasons,
  })
  const ends = new Ends(catalog, backoff)
  catalog.onChange((batch) => ends.observe(batch))
  noteUses(board, catalog, store)
  catalog.onChange((_batch, topics) => {
    if (!topics.has(HOSTS)) return
    const urls = [...catalog.state.hosts.values()].map(({ value }) => value.engine)
    for (const engine of engines.keep(new Set(urls))) engine.close()
  })

  const witnesses = new Witnesses({
    ...{ catalog, engines, store, log },
    onEnd: (event, host) => ends.died(event, host),
  })
  const { registries } = settings
  const prefetch = new Prefetch({ id, catalog, engines, registries, log })
  const vacancies = new Vacancies({ catalog, fleet, engines, store, log })

  const control = controlOf({ catalog, wakes, board, starter, placement, proof })

  return {
    server: gate.server,
    control,
    held: () => holds.total,
    start: () => {
      keeper.start()
      vacancies.start()
      prefetch.start()
      witnesses.start()
    },
    end: () => {
      keeper.stop()
      vacancies.stop()
      prefetch.stop()
      witnesses.stop()
      gate.end()
      events.end()
      wakes.end()
    },
  }
}
