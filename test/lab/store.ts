import { afterAll, beforeAll } from 'vitest'
import { connect, type Store } from '../../adapters/etcd.ts'
import { type LabEtcd, startEtcd } from './etcd.ts'

/**
 * Gives the tests of a file an etcd of their own and a store on it, and ends both after the last one. Hooks of the file that
 * come after this find both: before the tests and, as they run in reverse then, after them.
 * @param deadline of each call, milliseconds
 */
export function labStore(
  take: (lab: { etcd: LabEtcd; store: Store }) => void,
  deadline?: number,
): void {
  let lab: { etcd: LabEtcd; store: Store } | undefined
  beforeAll(async () => {
    const etcd = await startEtcd()
    lab = { etcd, store: connect({ urls: [etcd.url], ...(deadline && { deadline }) }) }
    take(lab)
  })
  afterAll(async () => {
    lab?.store.close()
    await lab?.etcd.stop()
  })
}
