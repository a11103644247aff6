import type { Logger } from 'pino'
import type { App } from '../../model/app.ts'
import type { Container } from '../../model/container.ts'
import { isAllowedImage, registryOf } from '../../model/image.ts'
import { containerName } from '../../model/name.ts'
import type { Network } from '../../model/network.ts'
import { ProblemError } from '../../model/problem.ts'
import type { Progress } from '../../model/progress.ts'
import type { Host } from '../../model/record.ts'
import { codeOf, type Engine, wordsOf } from '../engine.ts'
import { volumesOf } from '../place/ground.ts'
import type { Hold } from '../place/home.ts'
import { printable, startFailed } from './failure.ts'
import { HostFault, ImageMissing } from './fault.ts'
import type { MakingAddress } from './making-address.ts'
import { type NetworkPolicy, networkOf } from './network.ts'
import { allowed, dropUnused, prepare } from './prepare.ts'
import { Queue } from './queue.ts'
import { startsAtOnce } from './share.ts'
import type { Stopwatch } from './stopwatch.ts'

/** A slot that has its place. */
export interface Launch {
  app: App
  slot: number
  host: Host
  engine: Engine
  /** what is there of it, not running, or null */
  container: Container | null
  /** that it is to run there and nowhere else; null if it may run anywhere */
  hold: Hold | null
  /** the right to start it */
  claim: { valid(): boolean }
  /** resolves when the host's room is promised to it: nothing is started before; rejects if there is none any more */
  promised: Promise<void>
  /** a client waits for it */
  isUrgent: boolean
  /** whether the App is still as it was when the wake began; asked before anything is made for it */
  isCurrent(): boolean
  /** told which container it is, right before that is started */
  onStart(id: string): void
  report(step: Omit<Progress, 'app'>): void
  watch: Stopwatch
  signal: AbortSignal
}

export interface LaunchpadOptions extends NetworkPolicy {
  makingAddress: Pick<MakingAddress, 'for'>
  log: Pick<Logger, 'warn'>
  /** at most, of all launchers together */
  startsPerHost: number
  /** how many launchers there are right now, this one among them */
  launchers(): number
  /** registries images may be pulled from */
  registries: readonly string[]
}

/** Pulls at once on one host: they share its network and disk with everything that runs. */
const PULLS = 2
/** So often an address is made for one start: others that wait may take it. */
const ADDRESSES = 5
/** A pull that takes longer is given up, milliseconds. */
const PULL_LIMIT = 30 * 60_000

/** Gets containers running, only so many at once on each host: its part of what all launchers start there. */
export class Launchpad {
  readonly #options: LaunchpadOptions
  readonly #starts = new Map<string, Queue>()
  readonly #pulls = new Map<string, Queue>()

  constructor(options: LaunchpadOptions) {
    this.#options = options
  }

  /**
   * Starts the container that is there, or one made anew; pulls its image if that is missing, makes an address if its
   * network is full, and does without a sandbox that the app has not asked for and cannot have. Returns its id.
   */
  async launch(first: Launch): Promise<string> {
    let launch = first
    let network = networkOf(launch.app, this.#options)
    let anew = false
    const met: string[] = []
    for (;;)
      try {
        return await this.#start(launch, network, anew)
      } catch (error) {
        // Asking for the image or the network first would cost every start a question.
        const code = codeOf(error)
        const most = code === 'no-address' ? ADDRESSES : 1
        if (met.filter((other) => other === code).length === most) throw error
        met.push(code)
        if (code === 'no-address' || code === 'no-sandbox') launch = await withMade(launch)
        if (code === 'no-image') await this.#pull(launch)
        else if (code === 'no-network') anew = true
        else if (code === 'no-address') {
          if (!(await this.#options.makingAddress.for(launch))) throw error
        } else if (code === 'no-sandbox' && canDoWithout(launch)) {
          this.#tellOfNone(launch, error)
          ;[network, anew] = ['bridge', true]
        } else throw error
      }
  }

  #tellOfNone({ app, host }: Launch, error: unknown): void {
    const fields = { app: app.name, host: host.name, reason: printable(wordsOf(error)) }
    this.#options.log.warn(fields, 'no sandbox can be had there: the app gets a network of its own')
  }

  /** @param anew the container that is there belongs to a network that is gone, or cannot be had */
  async #start(launch: Launch, network: Network, anew: boolean): Promise<string> {
    const { host, engine, isUrgent, watch, signal } = launch
    const { startsPerHost, launchers } = this.#options
    // Many who asked at once come here in any order: what they do before takes each another time.
    const ticket = { isUrgent, since: watch.started }
    const atOnce = (): number => startsAtOnce(host, startsPerHost, launchers())
    return await queueOf(this.#starts, host.name, atOnce).run(async () => {
      signal.throwIfAborted()
      watch.lap('queue')
      const id = await prepare(launch, network, anew)
      await promised(launch, id)
      // Not before: the app may still have to go elsewhere, and a volume that is not noted was never used.
      await launch.hold?.keep(volumesOf(launch.app))
      watch.lap('promise')
      allowed(launch)
      launch.onStart(id)
      await engine.start(id)
      watch.lap('start')
      return id
    }, ticket)
  }

  async #pull({ app, host, engine, report, watch, signal }: Launch): Promise<void> {
    if (!isAllowedImage(app.image, this.#options.registries)) {
      const words = `image not found: ${registryOf(app.image)} is not an allowed registry`
      throw startFailed(app.name, words)
    }
    report({ phase: 'pulling' })
    await queueOf(this.#pulls, host.name, PULLS).run(async () => {
      const late = AbortSignal.timeout(PULL_LIMIT)
      const limit = AbortSignal.any([signal, late])
      try {
        await engine.pull(app.image, (percent) => report({ phase: 'pulling', percent }), limit)
      } catch (error) {
        if (late.aborted && !signal.aborted)
          throw pullFailed(app, `its image took more than ${PULL_LIMIT / 60_000} min to pull`)
        const code = codeOf(error)
        if (code === 'unreachable' || code === 'aborted') throw error
        // The words begin with the image's name.
        throw pullFailed(app, wordsOf(error), code === 'no-image' ? ImageMissing : HostFault)
      }
    })
    watch.lap('pull')
  }
}

function pullFailed(app: App, words: string, Kind = HostFault): ProblemError {
  return new Kind('start-failed', { app: app.name, detail: printable(words) })
}

/** With the container that is there by now: a start before this one may have made one, or have removed what was there. */
async function withMade(launch: Launch): Promise<Launch> {
  const { app, slot, engine, container } = launch
  const own = await engine.inspect(containerName(app.name, slot))
  return { ...launch, container: own ?? (container && (await engine.inspect(container.id))) }
}

/** Whether it may be made anew without a sandbox. One that has run would lose what was written in it. */
function canDoWithout({ app, container }: Launch): boolean {
  return app.network === undefined && (container === null || container.state === 'created')
}

/** Waits until the room is ours. What was made for nothing is removed again. */
async function promised(launch: Launch, id: string): Promise<void> {
  const { container, engine } = launch
  try {
    await launch.promised
  } catch (error) {
    if (id !== container?.id)
      engine
        .remove(id)
        .then(() => dropUnused(launch))
        .catch(() => {})
    throw error
  }
}

function queueOf(queues: Map<string, Queue>, host: string, limit: number | (() => number)): Queue {
  const known = queues.get(host)
  if (known) return known
  const queue = new Queue(limit)
  queues.set(host, queue)
  return queue
}
