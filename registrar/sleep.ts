import type { Claim } from '../model/record.ts'
import type { Held } from '../model/state.ts'
import { pause } from './pause.ts'
import { letGo } from './release.ts'
import type { Member } from './roster.ts'
import type { Rest, SleepPorts, SleepResult } from './sleep-ports.ts'

/** Milliseconds. Gateways apply within a second or two; one that does not answers from a dead address and wakes. */
const REMOVAL = 5_000
const GATEWAYS = 5_000
/** Requests that are on their way when the route goes. What is open for longer is use. */
const STRAGGLERS = 3_000
const BETWEEN_LOOKS = 150
const TRIES = 5

/** One instance on its way to sleep. */
interface Attempt {
  member: Member
  how: Rest
  claim: Claim
  /** etcd key, revision and lease of the claim */
  key: string
  revision: string
  lease: string
  /** somebody asked for it; otherwise any use ends it */
  isRequested: boolean
  began: number
  /** the process stops, or the claim was taken over */
  signal: AbortSignal
  isTaken(): boolean
}

/**
 * Puts instances to sleep: claim, route away, wait for the gateways, wait for open connections, point of no return,
 * pause, stop or remove. Those that are paused or stopped already are put deeper in the same way. Whatever goes wrong before the point of no return gives the Endpoint back.
 */
export class Sleep {
  readonly #ports: SleepPorts
  readonly #drainTimeout: number

  /** @param drainTimeout milliseconds that open connections may delay a sleep that was asked for */
  constructor(ports: SleepPorts, drainTimeout: number) {
    this.#ports = ports
    this.#drainTimeout = drainTimeout
  }

  /**
   * Does not throw.
   * @param how what is done to its container
   * @param request the claim of a launcher that asked for it; null if it is for nobody using the instance
   */
  async run(
    member: Member,
    how: Rest,
    request: Held<Claim> | null,
    outer: AbortSignal,
  ): Promise<SleepResult> {
    const { standing, cluster, keys, fleet, log } = this.#ports
    const { id, spec } = member.instance
    const { lease } = standing
    if (lease === null || !standing.valid()) return 'unsure'
    const key = keys.claim(spec.app, spec.slot)
    const claim = this.#newClaim(spec.app, how, request)
    const taken = new AbortController()
    let result: SleepResult = 'unsure'
    let forget = (): void => {}
    let isUnsure = true
    try {
      const revision = await this.#claim(key, claim, request, lease)
      isUnsure = false
      if (revision === null) return 'busy'
      forget = cluster.watchClaim(key, (change, news) => {
        const isOurs = change.type === 'put' && change.entry.value.includes(claim.owner)
        if (!isOurs && BigInt(news) > BigInt(revision)) taken.abort()
      })
      const attempt: Attempt = {
        ...{ member, how, claim, key, revision, lease, isRequested: request !== null },
        began: performance.now(),
        signal: AbortSignal.any([outer, taken.signal]),
        isTaken: () => taken.signal.aborted,
      }
      try {
        result = await this.#drainAndLayDown(attempt)
      } finally {
        // what the engine says now decides; otherwise the Endpoint comes back before the claim goes, as that of one that
        // somebody has started by hand just before its sandbox was to be folded
        if (result === 'slept' && how !== 'fold') await fleet.refresh(id)
        else fleet.undrain(id)
        // until then it is our claim that keeps its room
        if (result === 'slept' && how === 'pause') await this.#ports.tellPaused(outer)
      }
    } catch (error) {
      const reason = (error as Error).message
      log.warn({ app: spec.app, slot: spec.slot, reason }, 'trouble while putting to sleep')
    } finally {
      forget()
      await letGo(this.#ports, { key, owner: claim.owner, lease }, isUnsure, outer)
    }
    return result
  }

  #newClaim(app: string, how: Rest, request: Held<Claim> | null): Claim {
    const { newOwner, now, host, cluster } = this.#ports
    const since = now().toISOString()
    const room = how === 'pause' ? { host, ...cluster.limits(app) } : {}
    const claim: Claim = { owner: newOwner(), action: 'sleep', phase: 'draining', since, ...room }
    return request?.value.firm ? { ...claim, firm: true } : claim
  }

  /** The revision of our claim, null if somebody else has the slot. */
  async #claim(
    key: string,
    claim: Claim,
    request: Held<Claim> | null,
    lease: string,
  ): Promise<string | null> {
    const { store } = this.#ports
    const value = JSON.stringify(claim)
    if (request) return store.replace(key, value, { modRevision: request.entry.modRevision, lease })
    const { won, revision } = await store.create(key, value, { lease })
    return won ? revision : null
  }

  async #drainAndLayDown(attempt: Attempt): Promise<SleepResult> {
    const { store, fleet, cluster, log } = this.#ports
    const { member, claim, key, lease, signal, isRequested } = attempt
    const removed = await Promise.race([
      fleet.drain(member.instance.id),
      pause(REMOVAL, signal).then(() => null),
    ])
    if (removed === null) return attempt.isTaken() ? 'taken-back' : 'unsure'
    const { app } = member.instance.spec
    const isUsed = (): boolean =>
      !isRequested && (cluster.lastUse(app) > attempt.began || cluster.isNeeded(app))
    // who needs it has a claim before it looks for our Endpoint: if it saw that, we see the claim
    const isGone = (): boolean => cluster.hasApplied(removed) && cluster.hasSeen(removed)
    await cluster.until(() => isUsed() || isGone(), GATEWAYS, signal)
    const isQuiet = await this.#waitForQuiet(attempt, isUsed)
    if (attempt.isTaken()) return 'taken-back'
    if (signal.aborted) return 'unsure'
    if (!isQuiet && !isRequested) return 'in-use'
    const stopping = JSON.stringify({ ...claim, phase: 'stopping' } satisfies Claim)
    const { revision } = attempt
    const replaced = await store.replace(key, stopping, { modRevision: revision, lease })
    if (replaced === null) return 'taken-back'
    // Who is still led there is refused by what is stopped, and wakes it; what is frozen would keep them waiting.
    const isRouted = attempt.how === 'pause' && (cluster.missesGateway || !isGone())
    if (isRouted) log.warn({ app }, 'a gateway does not confirm: it is stopped and not paused')
    const how = isRouted ? 'stop' : attempt.how
    return (await this.#layDown({ ...attempt, how })) ? 'slept' : 'unsure'
  }

  /** Whether no connection was left in two looks in a row. */
  async #waitForQuiet(attempt: Attempt, isUsed: () => boolean): Promise<boolean> {
    const { isRequested, member, signal } = attempt
    const limit = performance.now() + (isRequested ? this.#drainTimeout : STRAGGLERS)
    let looks = 0
    while (!signal.aborted && !isUsed()) {
      looks = (await this.#ports.connections(member)) === 0 ? looks + 1 : 0
      if (looks === 2) return true
      if (performance.now() > limit) return false
      await pause(BETWEEN_LOOKS, signal)
    }
    return false
  }

  /**
   * The engine may be busy or restart just now: it is asked again before it is given up. False: our claim may have
   * ended meanwhile, so that the instance can be another's to wake, and nothing more is done to it.
   */
  async #layDown({ member, how, lease, signal }: Attempt): Promise<boolean> {
    const { standing, layDown } = this.#ports
    for (let attempt = 1; ; attempt++)
      try {
        if (!standing.valid() || standing.lease !== lease) return false
        await layDown(member, how)
        return true
      } catch (error) {
        if (attempt === TRIES || signal.aborted) throw error
        await pause(1_000, signal)
      }
  }
}
