import type { IDuplexStream, ILeaseKeepAliveRequest, ILeaseKeepAliveResponse } from 'etcd3'
import { toEtcdError } from './etcd-error.ts'
import type { Member, Members } from './etcd-members.ts'
import { abandon } from './etcd-request.ts'

/** etcd3's types leave out how to stop listening. */
type Stream = IDuplexStream<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse> & {
  off(event: string, listener: (told: never) => void): Stream
}

/**
 * Renews leases, each time on another member. To open a stream costs several times as much as an answer on one, so each
 * member's is kept until anything goes wrong on it.
 */
export class Renewals {
  readonly #members: Members
  /** by member, open or about to be */
  readonly #streams = new Map<Member, Promise<Stream>>()

  constructor(members: Members) {
    this.#members = members
  }

  /** Renews a lease once, within `deadline` milliseconds, on another member than the time before. False: it is gone. */
  async renew(lease: string, deadline: number): Promise<boolean> {
    const member = this.#members.rotate()
    const opening = this.#streams.get(member) ?? this.#open(member)
    try {
      return await ask(opening, lease, deadline)
    } catch (error) {
      this.#forget(member, opening)
      throw toEtcdError(error, member.url)
    }
  }

  /** Lets go of the streams, as nothing goes wrong on them any more. */
  close(): void {
    for (const opening of this.#streams.values()) opening.then(abandon, () => {})
    this.#streams.clear()
  }

  #open(member: Member): Promise<Stream> {
    const opening = member.client.leaseClient.leaseKeepAlive() as Promise<Stream>
    this.#streams.set(member, opening)
    const forget = (): void => this.#forget(member, opening)
    opening.then((stream) => void stream.on('error', forget).on('end', forget), forget)
    return opening
  }

  #forget(member: Member, opening: Promise<Stream>): void {
    if (this.#streams.get(member) !== opening) return
    this.#streams.delete(member)
    opening.then(drop, () => {})
  }
}

/**
 * Ends a stream on which something went wrong. Not half-closed before: etcd3 is to make another connection, as this one may
 * be a line that nothing comes over.
 */
function drop(stream: Stream): void {
  stream.on('error', () => {})
  stream.cancel()
}

/** Whether the lease still is. Rejects if the stream does not come, ends, or is silent for `deadline` milliseconds. */
async function ask(opening: Promise<Stream>, lease: string, deadline: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('4 DEADLINE_EXCEEDED: no answer')), deadline)
  })
  try {
    return await Promise.race([opening.then((stream) => answer(stream, lease)), late])
  } finally {
    clearTimeout(timer)
  }
}

function answer(stream: Stream, lease: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onData = ({ ID, TTL }: ILeaseKeepAliveResponse): void => {
      if (ID === lease) settle(() => resolve(TTL !== '0'))
    }
    const onError = (error: Error): void => settle(() => reject(error))
    const onEnd = (): void => onError(new Error('14 UNAVAILABLE: the stream ended'))
    const settle = (how: () => void): void => {
      stream.off('data', onData).off('error', onError).off('end', onEnd)
      how()
    }
    stream.on('data', onData).on('error', onError).on('end', onEnd)
    stream.write({ ID: lease })
  })
}

/** Seconds a lease was granted for and has left, both 0 if it is gone. */
export async function remaining(
  members: Members,
  lease: string,
): Promise<{ granted: number; left: number }> {
  const { TTL, grantedTTL } = await members.call((client, options) =>
    client.leaseClient.leaseTimeToLive({ ID: lease }, options),
  )
  return { granted: Number(grantedTTL), left: Math.max(0, Number(TTL)) }
}
