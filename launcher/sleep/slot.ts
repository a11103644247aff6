import { setTimeout as pause } from 'node:timers/promises'
import { ProblemError } from '../../model/problem.ts'
import { Claim } from '../../model/record.ts'
import type { Entry } from '../../model/state.ts'
import type { Catalog } from '../catalog.ts'
import { type ClaimStore, withdraw } from '../wake/withdrawal.ts'

/** One instance, as its Endpoint or container spells it. */
export interface Slot {
  app: string
  slot: number
  /** for messages; '' where unknown */
  host: string
}

export interface ClaimOptions {
  catalog: Catalog
  store: ClaimStore
  /** the launcher's session: its claims vanish with it */
  session: { readonly lease: string | null }
  /** a new owner token, unique to one claim */
  owner(): string
  /** current time; for the record only, nothing is decided by it */
  now(): Date
}

export interface SleepRequest {
  /** not to be taken back by a wake: part of a restart or a removal */
  firm: boolean
  /** for what sleeps paused: lets be what is awake by now, and what somebody else changes just then */
  isYielding?: boolean
  /** seconds draining and stopping may take; later it counts as failed */
  deadline: number
}

/** Seconds on top of draining and stopping: probes, records, the engine's own time. */
export const MARGIN = 10
/** How long a registrar may take to take a request over, milliseconds. */
const TAKEOVER = 5000
/** How often a claim is looked at, milliseconds. */
const LOOK = 100
/** How long this launcher's own memory may take to hear what etcd said already, milliseconds. */
const NEWS = 5_000
/** etcd is tried for this long before a sleep is given up, as for a wake, milliseconds: rolls consist of both. */
const PATIENCE = 10_000

type SleepStore = Pick<ClaimStore, 'get' | 'create' | 'remove'>

/**
 * Asks the registrar that owns a slot to put it to sleep, and waits until it lets the claim go: the instance is
 * stopped, or (unless firm) a request came meanwhile and keeps it awake. The catalog knows of it then, too, as what comes
 * after it goes by that: an answer, or a wake, whose new Endpoint may be at the same address. Throws ProblemError
 * `unavailable` if the registrar does not take the request over within 5 s, or does not finish within the deadline; the
 * error of etcd if it does not answer for 10 s.
 */
export async function sleepSlot(
  slot: Slot,
  { firm, isYielding = false, deadline }: SleepRequest,
  options: ClaimOptions,
): Promise<void> {
  const { catalog, session } = options
  const store = patient(options.store, session)
  const { keys } = catalog
  const key = keys.claim(slot.app, slot.slot)
  const until = performance.now() + deadline * 1000
  const endpoint = keys.endpoint(slot.app, slot.slot)
  const before = await store.get(endpoint)
  if (isYielding && before) return
  for (;;) {
    if (session.lease === null) throw unavailable('this launcher has no session with etcd')
    const { lease } = session
    const owner = options.owner()
    const written = { key, owner, lease, modRevision: null }
    let claim: Awaited<ReturnType<ClaimStore['create']>>
    try {
      claim = await store.create(key, request(owner, firm, options), { lease })
      if (claim.won) await takenOver(key, claim.revision, slot, store)
    } catch (error) {
      // A request that nobody waits for any more must not stay: a firm one could never be taken back.
      void withdraw(written, options.store, session)
      throw error
    }
    if (isYielding && !claim.won) return
    // Where it is not ours, somebody changes the slot right now: a wake that starts it, or its registrar that found it
    // idle.
    await released(key, until, slot, store)
    if (claim.holder) await heard(slot, claim.holder, until, catalog)
    if (claim.won) break
    if (before && !(await store.get(endpoint))) return
    if (!firm && claim.holder && action(claim.holder) === 'sleep') return
  }
  // One that was written anew is that of a new start: somebody waited for the claim to go and has woken it since. Its
  // address may be the same.
  const after = firm ? await store.get(endpoint) : null
  if (after && after.createRevision === before?.createRevision)
    throw unavailable(`slot ${slot.slot} of ${slot.app} did not go to sleep`)
}

function request(owner: string, firm: boolean, { now }: ClaimOptions): string {
  return JSON.stringify({
    owner,
    action: 'sleep',
    phase: 'requested',
    ...(firm && { firm }),
    since: now().toISOString(),
  } satisfies Claim)
}

/** Waits until the claim is no longer as we wrote it; withdraws it if nobody takes it over. */
async function takenOver(
  key: string,
  revision: string,
  slot: Slot,
  store: SleepStore,
): Promise<void> {
  const patience = performance.now() + TAKEOVER
  while ((await store.get(key))?.modRevision === revision) {
    if (performance.now() < patience) await pause(LOOK)
    else if ((await store.remove(key, { modRevision: revision })) !== null)
      throw unavailable(`the registrar of ${slot.host || 'its host'} does not answer`)
  }
}

async function released(key: string, until: number, slot: Slot, store: SleepStore): Promise<void> {
  while (await store.get(key)) {
    if (performance.now() > until)
      throw unavailable(`slot ${slot.slot} of ${slot.app} is being changed and does not finish`)
    await pause(LOOK)
  }
}

/** Waits until the catalog knows that a claim, as it was or by whoever has taken it over since, is gone. */
async function heard(
  { app, slot }: Slot,
  claim: Entry,
  until: number,
  catalog: Catalog,
): Promise<void> {
  const patience = Math.max(0, Math.min(NEWS, until - performance.now()))
  const isOver = (): true | null => {
    const isKnown = catalog.revision >= BigInt(claim.modRevision)
    const held = catalog.claim(app, slot)?.entry
    return isKnown && held?.createRevision !== claim.createRevision ? true : null
  }
  await catalog.whenWithin(app, isOver, patience, new AbortController().signal)
}

/** The same store; what may be asked again without harm is, until etcd answers or what we wrote is gone with its lease. */
function patient(store: ClaimStore, session: ClaimOptions['session']): SleepStore {
  const again = async <T>(call: () => Promise<T>): Promise<T> => {
    const end = performance.now() + PATIENCE
    const { lease } = session
    for (;;)
      try {
        return await call()
      } catch (error) {
        if (performance.now() > end || session.lease !== lease) throw error
        await pause(LOOK)
      }
  }
  return {
    get: (key) => again(() => store.get(key)),
    create: (key, value, options) => again(() => store.create(key, value, options)),
    remove: (key, options) => store.remove(key, options),
  }
}

/** What a claim is for; null if its value makes no sense. */
function action(entry: Entry): Claim['action'] | null {
  try {
    return Claim.parse(JSON.parse(entry.value)).action
  } catch {
    return null
  }
}

function unavailable(detail: string): ProblemError {
  return new ProblemError('unavailable', { detail })
}
