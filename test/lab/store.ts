import { afterAll, beforeAll } from 'vitest'
import { connect, type Store } from '../../adapters/etcd.ts'
import { type LabEtcd, startEtcd } from './etcd.ts'

/**
 * Gives the tests of a file an etcd of their own and a store on it, and ends both after the last one. Hooks of the file that
 * come after this find both: before the tests and, as they run in reverse then, after them.
 */
export function labStore(take: (lab: { etcd: LabEtcd; store: Store }) => void): void {
  let lab: { etcd: LabEtcd; store: Store } | undefined
  beforeAll(async () => {
    const etcd = await startEtcd()
    lab = { etcd, store: connect({ urls: [etcd.url] }) }
    take(lab)
  })
  afterAll(async () => {
    lab?.store.close()
    await lab?.etcd.stop()
  })
}
