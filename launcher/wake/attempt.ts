import type { App } from '../../model/app.ts'
import { isRunning } from '../../model/container.ts'
import type { Endpoint } from '../../model/endpoint.ts'
import type { Catalog } from '../catalog.ts'
import type { Engine, Engines } from '../engine.ts'
import type { Homes } from '../place/home.ts'
import type { Candidate } from '../place/place.ts'
import type { Reservations } from '../place/reservation.ts'
import type { Room, Seat } from '../place/room.ts'
import { revisionOf } from '../revision.ts'
import type { WakeClaim } from './claim.ts'
import { etcdAway } from './failure.ts'
import { lost, Taken } from './fault.ts'
import { hasFreshNetwork } from './fresh.ts'
import type { Launchpad } from './launch.ts'
import { halt } from './leftover.ts'
import { lossOf } from './loss.ts'
import { Ended, Stuck, waitReady } from './ready.ts'
import type { Run } from './start.ts'
import { dozing, thaw } from './thaw.ts'

export interface AttemptOptions {
  catalog: Catalog
  engines: Engines
  launchpad: Launchpad
  reservations: Reservations
  room: Room
  homes: Homes
}

/** One try to bring a slot up on the host that was chosen for it. */
export interface Attempt {
  run: Run
  claim: WakeClaim
  chosen: Candidate
  /** whether there is another host to go to */
  hasChoice(): Promise<boolean>
  /** Has something stopped that must be over before somebody else may have the slot. */
  stop(engine: Engine, id: string): void
}

/** What a try has begun. */
export interface Begun {
  /** its Endpoint; rejects as soon as the try is given up */
  endpoint: Promise<Endpoint>
  /** resolves when nothing more comes of it on the host, whether it was given up or not */
  over: Promise<unknown>
  /** Gives it up, and stops what it has started where that can be done soon. Does not throw. */
  undo(): Promise<void>
}

/** Begins a try. Its room counts from the same moment on: whoever is placed next sees it. */
export function begin(attempt: Attempt, options: AttemptOptions): Begun {
  const { run, claim, chosen, hasChoice } = attempt
  const { app, slot, signal } = run
  const { catalog, engines, room } = options
  const { host } = chosen
  const ended = new AbortController()
  const end = (): void => ended.abort(signal.reason)
  signal.addEventListener('abort', end)
  const engine = engines.at(host.engine)
  const seat = seatOf(attempt, room)
  let started: string | null = null
  const onStart = (id: string): void => {
    started = id
    run.report({ phase: 'starting' })
  }
  const launched = launch(attempt, seat, options, onStart, ended.signal)
  const ready = launched.then((id) => wait(attempt, engine, id, catalog, ended.signal))
  const watched = { app: app.name, host, engine, hasChoice }
  const endpoint = Promise.race([ready, lossOf(watched, catalog, ended.signal)]).finally(() => {
    signal.removeEventListener('abort', end)
    // Hanging up on the engine has time until those who wait are answered.
    setImmediate(end)
  })
  ready.catch(() => {})
  const over = launched.then(ignore, ignore)
  const undo = async (): Promise<void> => {
    end()
    if (started === null) return
    await halt({ app, slot, host, begun: over, id: started, claim }, catalog, engines)
  }
  return { endpoint, over, undo }
}

/** How the room of a try is counted, null for what is up: it has its own. The claim keeps it, whatever comes of the try. */
function seatOf({ run, claim, chosen }: Attempt, room: Room): Seat | null {
  const { app, slot } = run
  const { host, container } = chosen
  if (wasFound(chosen) || dozing(container, app) !== null) return null
  const seat = claim.seat?.host === host.name ? claim.seat : room.take(app, slot, host)
  claim.seat = seat
  return seat
}

/** The id of the container that runs, from now on or already. */
async function launch(
  { run, claim, chosen }: Attempt,
  seat: Seat | null,
  { catalog, engines, homes, launchpad, reservations }: AttemptOptions,
  onStart: (id: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const { app, slot, watch, report, patient } = run
  const { host, container } = chosen
  const hold = await homes.hold(app, host.name, signal)
  const asleep = dozing(container, app)
  if (asleep) {
    const allowed = (): void => {
      if (!claim.valid()) throw lost(app.name)
      onStart(asleep.id)
    }
    return await thaw({ run, id: asleep.id, engine: engines.at(host.engine), allowed })
  }
  if (seat === null) return container?.id ?? ''
  const promised = reservations.make({ app, slot, host, seat, claim, signal }).then((refusal) => {
    if (refusal !== null) throw new Taken(refusal)
  })
  // It is waited for before the start; what is made until then may fail first.
  promised.catch(ignore)
  return await launchpad.launch({
    ...{ app, slot, host, engine: engines.at(host.engine), container, hold, claim, promised },
    isCurrent: run.isWanted ?? (() => isCurrent(app, catalog)),
    isUrgent: patient,
    ...{ onStart, report, watch, signal },
  })
}

async function wait(
  { run, claim, chosen, stop }: Attempt,
  engine: Engine,
  id: string,
  catalog: Catalog,
  signal: AbortSignal,
): Promise<Endpoint> {
  const { app, slot, watch, report } = run
  signal.throwIfAborted()
  report({ phase: 'waiting', detail: waitedFor(app) })
  try {
    return await waitReady({ app, slot, engine, id, report }, catalog, signal)
  } catch (error) {
    // It was about to end when it was found running: that was no start of ours, and no failure.
    if (error instanceof Ended && error.exitCode === 0 && wasFound(chosen))
      throw new Taken('it ended by itself as it was found')
    if (
      error instanceof Ended &&
      claim.valid() &&
      (await hasFreshNetwork(error, chosen, run, engine))
    )
      throw new Taken('its port was taken by what it left open')
    if (!(error instanceof Stuck)) throw error
    // Without etcd nobody could register it: that says nothing about the app, and it may be another's to stop.
    if (!claim.valid()) throw etcdAway(app.name)
    stop(engine, id)
    throw error
  } finally {
    watch.lap('wait')
  }
}

/** Whether it runs without a start of ours, as far as was seen. */
function wasFound({ container }: Candidate): boolean {
  return container !== null && isRunning(container)
}

const ignore = (): void => {}

function isCurrent(app: App, catalog: Catalog): boolean {
  const now = catalog.find(app.name)
  return now !== null && revisionOf(now) === revisionOf(app)
}

function waitedFor(app: App): string {
  if ('path' in app.health) return `waiting for ${app.health.path} to answer`
  if (app.health.type === 'command') return 'waiting for its health command'
  if (app.health.type === 'image') return 'waiting for its HEALTHCHECK'
  return `waiting for port ${app.port} to answer`
}
