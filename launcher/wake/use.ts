import { canonical } from '../../model/name.ts'
import type { Catalog } from '../catalog.ts'
import type { Board } from './board.ts'

/** Where it is written when apps were used last. */
export interface UseStore {
  put(key: string, value: string): Promise<unknown>
}

/**
 * Writes for each wake that succeeds that its app was used. A gateway tells of apps that it has a route to; the request
 * that woke one came before, and may have been the only one.
 */
export function noteUses(board: Board, catalog: Catalog, store: UseStore): void {
  board.follow(({ app, phase }) => {
    if (phase !== 'ready') return
    const key = catalog.keys.named('activity', canonical(app))
    // Those who wait are answered first. Nobody waits for it, and without etcd the next use tells the same.
    setImmediate(() => void store.put(key, new Date().toISOString()).catch(() => {}))
  })
}
