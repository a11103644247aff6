import { z } from 'zod'
import { canonical } from '../../model/name.ts'
import { ProblemError } from '../../model/problem.ts'
import { Recent } from '../../model/recent.ts'
import { deadline as within } from '../deadline.ts'
import { Queue } from './queue.ts'

/** The request that wants to wake an app, as the hook is told about it. */
export interface Question {
  /** the app's name */
  name: string
  /** method and path with query of the client's request */
  method: string
  uri: string
}

/** What came back: from an HTTP hook a status and a body, from a JavaScript module a value. */
export type HookReply =
  | { from: 'http'; status: number; body: string }
  | { from: 'module'; value: unknown }

/** The operator's isAvailable hook. Throws if it gives no answer, or none in time. */
export interface Hook {
  ask(question: Question, signal: AbortSignal): Promise<HookReply>
}

const Allow = z.strictObject({ allow: z.literal(true) })

/**
 * Whether a reply is a yes. Only the exact one is: `{"allow":true}` and nothing else with status 200, or from a
 * module `true`. Everything else is a no, so a hook that is broken or confused starts nothing.
 */
export function isYes(reply: HookReply): boolean {
  if (reply.from === 'module') return reply.value === true || Allow.safeParse(reply.value).success
  if (reply.status !== 200) return false
  try {
    return Allow.safeParse(JSON.parse(reply.body)).success
  } catch {
    return false
  }
}

export interface AvailabilityOptions {
  hook: Hook | null
  /** milliseconds the hook has */
  deadline: number
  /** told why a question got no answer: the first of an outage, not each */
  onTrouble?: (question: Question, error: unknown) => void
}

/** How long a no is remembered, milliseconds, and for how many names. */
const MEMORY = 2_000
const NAMES = 1_000
/** Questions to the hook at once, and how many more may wait for their turn. */
const AT_ONCE = 16
const QUEUED = 1_000

/** Asks the hook, but never floods it: a no holds for a moment, and only so many questions are open at once. */
export class Availability {
  readonly #options: AvailabilityOptions
  /** canonical names with the time until which they are denied */
  readonly #denied = new Recent<string, number>(NAMES)
  readonly #queue = new Queue(AT_ONCE)
  /** the last question got no answer */
  #silent = false

  constructor(options: AvailabilityOptions) {
    this.#options = options
  }

  /** Whether the app may be woken by this request. Throws ProblemError `overloaded` if too many ask. */
  async allows(question: Question): Promise<boolean> {
    const { hook } = this.#options
    if (!hook) return true
    const name = canonical(question.name)
    const denied = (): boolean => (this.#denied.get(name) ?? 0) > performance.now()
    if (denied()) return false
    if (this.#queue.length >= QUEUED)
      throw new ProblemError('overloaded', {
        app: question.name,
        detail: 'too many apps are asked for at once',
        retryAfter: 2,
      })
    return await this.#queue.run(async () => {
      if (denied()) return false
      const yes = await this.#ask(hook, question)
      if (!yes) this.#denied.set(name, performance.now() + MEMORY)
      return yes
    })
  }

  async #ask(hook: Hook, question: Question): Promise<boolean> {
    const { deadline, onTrouble } = this.#options
    try {
      const yes = isYes(await within(deadline, (signal) => hook.ask(question, signal)))
      this.#silent = false
      return yes
    } catch (error) {
      if (!this.#silent) onTrouble?.(question, error)
      this.#silent = true
      return false
    }
  }
}
