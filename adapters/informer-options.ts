import type { Entry } from '../model/state.ts'
import type { Change } from './difference.ts'

export interface InformerOptions {
  /**
   * Gets every batch in order: first a list with all entries (maybe none), then events as they come, and after a
   * break what a new list differs in. `revision`: every change of these prefixes up to it has been handed over.
   */
  onChange(batch: Change[], revision: string, why: 'list' | 'watch'): void
  /** what of an entry is kept and handed over; all of it unless given */
  gist?(entry: Entry): Entry
  /** After each complete list, and each look that finds that the watch told all. */
  onSync?(): void
  log?: InformerLog
  /** milliseconds between looks whether the watch told all: etcd 3.4 and 3.5 can lose an event */
  relist?: number
}

export type InformerLog = Record<
  'debug' | 'info' | 'warn',
  (fields: object, message: string) => void
>
