import { InterceptingCall, type Interceptor } from '@grpc/grpc-js'
import { noop } from 'cockatiel'
import { Etcd3, type IOptions } from 'etcd3'
import { limitDials } from './etcd-dial.ts'
import { EtcdError, toEtcdError } from './etcd-error.ts'
import { Login } from './etcd-login.ts'

export interface EtcdOptions {
  /** client URLs of all members: `http://127.0.0.1:2379` */
  urls: string[]
  user?: string
  password?: string
  /** PEM; without `ca` the roots of Node */
  tls?: { ca?: Buffer; cert?: Buffer; key?: Buffer }
  /** milliseconds a call may take in all, its retries included */
  deadline?: number
}

/** One etcd member with its own connection, so that a dead one cannot hold up calls to the others. */
export interface Member {
  url: string
  client: Etcd3
  login: Login
}

/** Makes a member that lost its quorum refuse instead of serving a watch that stays silent. */
const requireLeader: Interceptor = (options, next) =>
  new InterceptingCall(next(options), {
    start(metadata, listener, start) {
      metadata.set('hasleader', 'true')
      start(metadata, listener)
    },
  })

/** The one place that knows every member: calls go to the same one until it fails, then to the next. */
export class Members {
  readonly deadline: number
  readonly #members: Member[]
  readonly #unlimit: () => void
  #current = 0
  #renewed = 0

  constructor(options: EtcdOptions) {
    if (options.urls.length === 0) throw new EtcdError('invalid', 'no etcd URL is given')
    this.deadline = options.deadline ?? 3000
    this.#members = options.urls.map((url) => {
      const client = this.#open(url, options)
      return { url, client, login: new Login(client) }
    })
    this.#unlimit = limitDials(options.urls)
  }

  /** The member that answers at the moment. */
  get current(): Member {
    return this.#members[this.#current] as Member
  }

  /** Another member each time, dead or not: for lease renewals, which must never wait for one member twice in a row. */
  rotate(): Member {
    return this.#members[this.#renewed++ % this.#members.length] as Member
  }

  /** Says that `member` failed, so that later calls go to the next one. */
  failed(member: Member): void {
    if (member === this.current) this.#current = (this.#current + 1) % this.#members.length
  }

  /**
   * Runs `call`, on the next member again where one cannot be reached, all within the deadline. `again` tells a
   * write that an earlier attempt may have been carried out without its answer reaching us.
   */
  async call<T>(
    call: (client: Etcd3, options: { deadline: number }, again: boolean) => Promise<T>,
  ): Promise<T> {
    const end = Date.now() + this.deadline
    const share = this.#members.length > 1 ? this.deadline / 2 : this.deadline
    for (let attempt = 0; ; attempt++) {
      const member = this.current
      const deadline = Math.min(Date.now() + share, end)
      try {
        return await call(member.client, { deadline }, attempt > 0)
      } catch (cause) {
        const error = toEtcdError(cause, member.url)
        if (error.code !== 'unavailable') throw error
        if (/\b4 DEADLINE_EXCEEDED\b/.test(String(cause))) member.login.again()
        this.failed(member)
        const pause = 50 * 2 ** attempt
        if (attempt >= this.#members.length + 1 || Date.now() + pause >= end) throw error
        await new Promise((resolve) => setTimeout(resolve, pause))
      }
    }
  }

  close(): void {
    this.#unlimit()
    for (const { client } of this.#members) client.close()
  }

  #open(url: string, { user, password, tls }: EtcdOptions): Etcd3 {
    const options: IOptions = {
      hosts: url.replace(/\/+$/, ''),
      // Measured: a black-holed member is noticed in 7.5 s; faster pings make etcd close the connection.
      grpcOptions: {
        'grpc.keepalive_time_ms': 6000,
        'grpc.keepalive_timeout_ms': 1500,
        'grpc.initial_reconnect_backoff_ms': 100,
        'grpc.max_reconnect_backoff_ms': 1000,
        'grpc.max_receive_message_length': -1,
        interceptors: [requireLeader],
      },
      // The log-in behind a call has a deadline of its own, since etcd3 makes it first.
      defaultCallOptions: ({ isStream }) =>
        isStream ? {} : { deadline: Date.now() + this.deadline / 2 },
      // Retries are ours: etcd3's pick members at random and its breakers do not count timeouts.
      faultHandling: { host: () => noop, global: noop },
      ...(user && { auth: { username: user, password: password ?? '' } }),
    }
    const { ca, cert, key } = tls ?? {}
    const secure = ca !== undefined || cert !== undefined || key !== undefined
    if (secure && !url.startsWith('https:'))
      throw new EtcdError('invalid', `etcd has certificates but its URL is ${url}: make it https`)
    if (secure)
      Object.assign(options, {
        credentials: {
          rootCertificate: ca ?? null, // null: the roots of Node
          ...(key && { privateKey: key }),
          ...(cert && { certChain: cert }),
        },
      })
    return new Etcd3(options)
  }
}
