import { setTimeout as pause } from 'node:timers/promises'
import type { Container } from '../model/container.ts'
import { deadline } from './deadline.ts'
import type { Engine } from './engine.ts'

/** The part of an engine that says what it has, or at least that it lives. */
export type Told = Pick<Engine, 'list' | 'ping'>

/** How long an engine may take to say what it has before something is done about it, milliseconds. */
export const PATIENCE = 3_000
/** After so many milliseconds without a list an engine is asked for a sign of life, and so long that may take. */
const DOUBT = 50
const SIGN = 100
/** A list that is only looked at is left out after this, even if its engine lives, milliseconds. */
const LOOK = 400

/** A call under way. */
interface Asked {
  list: Promise<Container[]>
  /** performance.now() */
  since: number
  /** once somebody doubts that its engine lives: resolves to whether it is silent */
  doubt: Promise<boolean> | null
}

/**
 * Asks engines what they have, each once at a time however many want to know. For whoever looks at all hosts: an engine
 * that fails or is silent is left out, and holds nobody up. A wake asks by `freshList` of place/listing.ts: it has to
 * know why an engine does not answer, and place/look.ts decides how long it waits for one.
 */
export class Census {
  readonly #engines: { at(url: string): Told }
  /** by engine */
  readonly #asked = new Map<string, Asked>()

  constructor(engines: { at(url: string): Told }) {
    this.#engines = engines
  }

  /**
   * What the engine has, as of now or later; null if it fails or takes longer than `patience` milliseconds. What came
   * before may have changed since: who comes while a call is under way gets the next one's answer, and waits for the one
   * that may hang only for what is left of its patience.
   */
  async list(url: string, patience = PATIENCE): Promise<Container[] | null> {
    const before = this.#asked.get(url)
    if (before && !(await hasEnded(before, patience))) return null
    return await deadline(patience, () => this.#next(url).list).catch(() => null)
  }

  /**
   * The same for somebody who only looks: an engine that is silent is given up at once, one that is slow is not. It may
   * fall silent at any call, so each that is waited for is doubted.
   */
  async look(url: string): Promise<Container[] | null> {
    const before = this.#asked.get(url)
    const look = async (): Promise<Container[] | null> => {
      if (before && !(await this.#unlessSilent(url, before, hasEnded(before, LOOK)))) return null
      const next = this.#next(url)
      return await this.#unlessSilent(url, next, next.list)
    }
    return await deadline(LOOK, look).catch(() => null)
  }

  /** The call that whoever waited for the one before gets: somebody else may have made it by now, later than we came. */
  #next(url: string): Asked {
    return this.#asked.get(url) ?? this.#ask(url)
  }

  #ask(url: string): Asked {
    const list = (async () => this.#engines.at(url).list())().finally(() => this.#asked.delete(url))
    const asked = { list, since: performance.now(), doubt: null }
    this.#asked.set(url, asked)
    return asked
  }

  /** What `work` gives, or null as soon as the engine turns out to be silent while `asked` is under way. */
  async #unlessSilent<T>(url: string, asked: Asked, work: Promise<T>): Promise<T | null> {
    asked.doubt ??= this.#isSilent(url, asked)
    const silence = new Promise<null>((resolve) => {
      void asked.doubt?.then((isSilent) => isSilent && resolve(null))
    })
    return await Promise.race([work, silence])
  }

  async #isSilent(url: string, asked: Asked): Promise<boolean> {
    await pause(DOUBT)
    if (this.#asked.get(url) !== asked) return false
    const sign = deadline(SIGN, () => this.#engines.at(url).ping())
    return await sign.then(
      () => false,
      () => true,
    )
  }
}

/** Waits until a call is over, well or not, for as long as `patience` lasts from when it was made. */
async function hasEnded({ list, since }: Asked, patience: number): Promise<boolean> {
  const left = since + patience - performance.now()
  const over = list.then(
    () => true,
    () => true,
  )
  return left > 0 && (await deadline(left, () => over).catch(() => false))
}
