/** A key with its value and the revisions etcd gave it, all decimal text (64 bits do not fit a number). */
export interface Entry {
  key: string
  value: string
  modRevision: string
  createRevision: string
  /** id of the lease it lives under, `0` if none */
  lease: string
}

/** Where a record came from, without its text. */
export type Origin = Omit<Entry, 'value'>

/** Why an entry has no effect. */
export interface Rejection {
  key: string
  reason: string
}

/** A decoded record together with where it came from. */
export interface Held<T, E extends Origin = Origin> {
  value: T
  entry: E
}
