import type { Endpoint } from '../../model/endpoint.ts'
import type { Answer } from '../../model/expectation.ts'
import type { EndpointStore } from '../endpoint-store.ts'

/** etcd, as far as servers of pools are written there. A rejected write may have happened or not. */
export interface VouchStore extends EndpointStore {
  /** Seconds a lease was granted for and has left. */
  remaining(lease: string): Promise<{ granted: number; left: number }>
}

/** What a server answers; null if it does not, or not in time. Milliseconds, bytes. */
export type ReadAnswer = (
  endpoint: Endpoint,
  question: { path: string; timeout: number; most: number },
  signal: AbortSignal,
) => Promise<Answer | null>
