import { toEtcdError } from './etcd-error.ts'
import type { Members } from './etcd-members.ts'
import { abandon } from './etcd-request.ts'

/** Renews a lease once, within `deadline` milliseconds, on another member than the time before. False: it is gone. */
export async function renew(members: Members, lease: string, deadline: number): Promise<boolean> {
  const { url, client } = members.rotate()
  try {
    const stream = await client.leaseClient.leaseKeepAlive({ deadline: Date.now() + deadline })
    try {
      return await new Promise<boolean>((resolve, reject) => {
        stream.on('data', ({ TTL }) => resolve(TTL !== '0'))
        stream.on('error', reject)
        stream.on('end', () => reject(new Error('14 UNAVAILABLE: the stream ended')))
        stream.write({ ID: lease })
      })
    } finally {
      abandon(stream)
    }
  } catch (error) {
    throw toEtcdError(error, url)
  }
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
