import { ProblemError } from '../../model/problem.ts'
import { clientOf } from '../client.ts'
import { Backoff } from '../wake/backoff.ts'
import { Queue } from '../wake/queue.ts'
import { issue, LIFETIME } from './pass.ts'

export interface LoginOptions {
  users(): Promise<ReadonlyMap<string, string>>
  /** whether a password is that of a hash; null stands for a user that is not there and takes as long */
  check(password: string, hash: string | null): Promise<boolean>
}

export interface Credentials {
  username: string
  password: string
}

/** Log-ins that wait for their turn: each costs 32 MiB and a CPU for a moment. */
const WAITING = 32

/**
 * Log-ins, one at a time: a wrong password costs its client a wait of 1 s, 2 s, 4 s ... 60 s before the next one is
 * looked at, however many it sends at once.
 */
export class Logins {
  readonly #options: LoginOptions
  readonly #backoff = new Backoff()
  readonly #queue = new Queue(1)

  constructor(options: LoginOptions) {
    this.#options = options
  }

  /**
   * A token, and its life in seconds. Throws ProblemError `bad-login`, `slow-down` or `overloaded`.
   * @param address it comes from
   */
  async login(
    { username, password }: Credentials,
    address: string,
  ): Promise<{ token: string; expiresIn: number }> {
    const client = clientOf(address)
    this.#refuse(client)
    if (this.#queue.length >= WAITING) throw new ProblemError('overloaded', { retryAfter: 2 })
    return await this.#queue.run(async () => {
      // It may have failed while it waited.
      this.#refuse(client)
      const hash = (await this.#options.users()).get(username) ?? null
      if (!(await this.#options.check(password, hash)) || hash === null) {
        this.#backoff.failed(client, 'wrong', performance.now())
        throw new ProblemError('bad-login')
      }
      this.#backoff.forget(client)
      return { token: issue(username, hash, Date.now() / 1000), expiresIn: LIFETIME }
    })
  }

  #refuse(client: string): void {
    const pause = this.#backoff.check(client, performance.now())
    if (pause) throw new ProblemError('slow-down', { retryAfter: pause.seconds })
  }
}
