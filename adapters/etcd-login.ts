import { type CallOptions, type Client, Metadata } from '@grpc/grpc-js'
import type { Etcd3 } from 'etcd3'

/** The parts of etcd3 that log in; its types leave them out. */
interface Pool {
  authenticator: {
    invalidateMetadata(): void
    getCredentialsFromHost(...words: [string, string, string, CallOptions]): Promise<string>
  }
  hosts: { getServiceClient(service: 'Auth'): AuthService }[]
}

interface AuthService extends Client {
  authenticate(
    user: { name: string; password: string },
    metadata: Metadata,
    options: CallOptions,
    done: (error: Error | null, answer?: { token: string }) => void,
  ): void
}

/** Milliseconds between two log-ins: each costs etcd some 100 ms of CPU, for the hash of the password. */
const REST = 5_000

/**
 * How one member's client logs in: over the connection that its calls have. By itself etcd3 makes another one for each
 * log-in, without our pings and limits, and lets go of it half an hour later.
 */
export class Login {
  readonly #pool: Pool
  /** performance.now() of when the token was dropped last */
  #dropped = Number.NEGATIVE_INFINITY

  constructor(client: Etcd3) {
    this.#pool = (client as unknown as { pool: Pool }).pool
    this.#pool.authenticator.getCredentialsFromHost = (_address, name, password, options) =>
      this.#ask({ name, password }, options)
  }

  /**
   * Has the next call log in anew, because the member did not answer. A token carries the index of etcd's log at which
   * it was made, and a member waits until its own log is that far before it refuses one that it does not know: after a
   * restore, for hours.
   */
  again(): void {
    const now = performance.now()
    if (now - this.#dropped < REST) return
    this.#dropped = now
    // etcd3 does this itself, but only when it is told that the token is not valid.
    this.#pool.authenticator.invalidateMetadata()
  }

  async #ask(user: { name: string; password: string }, options: CallOptions): Promise<string> {
    const service = this.#pool.hosts[0]?.getServiceClient('Auth')
    return await new Promise((resolve, reject) => {
      service?.authenticate(user, new Metadata(), options, (error, answer) =>
        answer ? resolve(answer.token) : reject(error),
      )
    })
  }
}
