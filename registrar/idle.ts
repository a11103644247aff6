import type { Logger } from 'pino'
import { canonical } from '../model/name.ts'
import type { Claim } from '../model/record.ts'
import type { Held } from '../model/state.ts'
import type { Cluster } from './cluster.ts'
import { nextStep, requestedStep } from './deeper.ts'
import { isIdle, nextLook } from './idleness.ts'
import { pause } from './pause.ts'
import type { Member, Roster } from './roster.ts'
import type { Sleep } from './sleep.ts'
import type { Rest, SleepResult, Standing } from './sleep-ports.ts'
import { surplus } from './surplus.ts'

export interface IdleOptions {
  roster: Roster
  cluster: Cluster
  sleep: Sleep
  standing: Standing
  log: Logger
  /** so many stopped instances keep their sandbox */
  sandboxes(): number
  /** open connections to the instance, however they came */
  connections(member: Member): Promise<number>
  /** Whether what {@link Cluster} says is current. */
  isInformed(): boolean
  /** Removes a request for a slot that does not run here. */
  dismiss(request: Held<Claim>): Promise<void>
  onResult(result: SleepResult): void
}

/** Milliseconds between rounds. */
const ROUND = 1_000
/** Milliseconds after which nobody else will take up a request. */
const MOMENT = 1_500
/** Instances put to sleep at once: each may wait for a reload. */
const WIDTH = 16

/**
 * Finds the instances nobody uses and those somebody wants asleep, and has them put to sleep, or deeper. A round a second over
 * all of them: a look at a few numbers each.
 */
export class Idle {
  readonly #options: IdleOptions
  /** by container id: when connections were last seen open */
  readonly #open = new Map<string, { last: number; isOpen: boolean }>()
  /** by revision of a request for a slot that has a container here, but none that runs: when it was first seen */
  readonly #unmet = new Map<string, number>()
  /** container ids whose connections cannot be looked at just now: said when the first of them comes */
  readonly #blind = new Set<string>()
  /** container ids that are being looked at or put to sleep */
  readonly #busy = new Map<string, Promise<void>>()

  constructor(options: IdleOptions) {
    this.#options = options
  }

  /** Runs until `signal` aborts and then waits for what is under way. Does not throw. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.round(signal)
      await pause(ROUND, signal)
    }
    await Promise.all(this.#busy.values())
  }

  /** Takes up what is due now. Also called when a request arrives, so that it does not wait for the next round. */
  round(signal: AbortSignal): void {
    const { standing, cluster, roster } = this.#options
    // who does not hear of use must not conclude that there is none
    if (signal.aborted || !standing.valid() || !this.#options.isInformed()) return
    for (const { app, slot, claim } of cluster.requests()) {
      const member = roster.up(app, slot)
      if (member) this.#start(member, () => this.#answer(member, claim, signal))
      else if (roster.hasSlot(app, slot)) this.#dismiss(claim)
    }
    const open = new Set(cluster.requests().map(({ claim }) => claim.entry.modRevision))
    for (const revision of this.#unmet.keys()) if (!open.has(revision)) this.#unmet.delete(revision)
    const now = performance.now()
    const needs = roster.needs()
    for (const member of roster.values()) {
      const { id, spec } = member.instance
      // what needs it sleeps first: its own idle time begins when that is gone
      if (needs.has(canonical(spec.app)) || cluster.isNeeded(spec.app))
        this.#open.set(id, { last: now, isOpen: false })
      if (this.#busy.size < WIDTH && this.#isDue(member, now))
        this.#start(member, () => this.#look(member, signal))
    }
    for (const member of surplus(roster.values(), cluster, this.#options.sandboxes()))
      if (this.#busy.size < WIDTH) this.#start(member, () => this.#fold(member, signal))
    for (const id of this.#open.keys()) if (!roster.has(id)) this.#open.delete(id)
    for (const id of this.#blind) if (!roster.has(id)) this.#blind.delete(id)
  }

  /** Another host may run the slot and take the request up: it gets a moment to do so. */
  #dismiss(request: Held<Claim>): void {
    const { modRevision } = request.entry
    const since = this.#unmet.get(modRevision) ?? performance.now()
    this.#unmet.set(modRevision, since)
    if (performance.now() - since > MOMENT) void this.#options.dismiss(request)
  }

  #isDue(member: Member, now: number): boolean {
    const { spec } = member.instance
    const terms = this.#options.cluster.terms(spec)
    const step = nextStep(member.instance, terms)
    if (!step || spec.slot < terms.min) return false
    if (this.#options.cluster.claim(spec.app, spec.slot)) return false
    return now >= nextLook(this.#use(member), step.after * 1000)
  }

  #use(member: Member): { last: number; isOpen: boolean } {
    const open = this.#open.get(member.instance.id)
    const used = this.#options.cluster.lastUse(member.instance.spec.app)
    const last = Math.max(member.since, used, open?.last ?? 0)
    return { last, isOpen: open?.isOpen ?? false }
  }

  #start(member: Member, run: () => Promise<void>): void {
    const { id } = member.instance
    if (this.#busy.has(id)) return
    this.#busy.set(
      id,
      run().finally(() => this.#busy.delete(id)),
    )
  }

  async #look(member: Member, signal: AbortSignal): Promise<void> {
    const { id, spec } = member.instance
    let count: number
    try {
      count = await this.#options.connections(member)
      this.#blind.delete(id)
    } catch (error) {
      // who cannot look must not conclude that nobody is there
      const level = this.#blind.size > 0 ? 'debug' : 'warn'
      const reason = (error as Error).message
      this.#options.log[level]({ app: spec.app, reason }, 'connections unknown: stays awake')
      this.#blind.add(id)
      count = 1
    }
    const now = performance.now()
    const last = count > 0 ? now : (this.#open.get(id)?.last ?? 0)
    this.#open.set(id, { last, isOpen: count > 0 })
    const step = nextStep(member.instance, this.#options.cluster.terms(spec))
    if (!step || !isIdle(this.#use(member), step.after * 1000, now)) return
    const result = await this.#sleep(member, step.how, null, signal, `unused for ${step.after} s`)
    // whatever kept it awake counts as use: the next try is a whole idle time away
    if (result !== 'slept') this.#open.set(id, { last: performance.now(), isOpen: false })
  }

  async #answer(member: Member, request: Held<Claim>, signal: AbortSignal): Promise<void> {
    const terms = this.#options.cluster.terms(member.instance.spec)
    const how = requestedStep(member.instance, terms, request.value.firm ?? false)
    await this.#sleep(member, how, request, signal, 'asked for')
  }

  async #fold(member: Member, signal: AbortSignal): Promise<void> {
    const why = `of more than ${this.#options.sandboxes()} the longest unused`
    await this.#sleep(member, 'fold', null, signal, why)
    // Where that failed a list tells in a while whether there is something to fold: of what was paused by hand it never does.
    member.hasSandbox = false
  }

  async #sleep(
    member: Member,
    how: Rest,
    request: Held<Claim> | null,
    signal: AbortSignal,
    why: string,
  ): Promise<SleepResult> {
    const { app, slot } = member.instance.spec
    const result = await this.#options.sleep.run(member, how, request, signal)
    // What is folded sleeps already.
    if (how !== 'fold') this.#options.onResult(result)
    this.#options.log.info({ app, slot, how, why }, result)
    return result
  }
}
