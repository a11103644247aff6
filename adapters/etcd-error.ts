/**
 * What a failed call means to its caller. `unavailable`: try again, the outcome of a write is unknown; `denied`: user,
 * password or role; `lease-gone`: expired or revoked; `compacted`: the revision is no longer kept, list anew;
 * `full`: etcd takes no writes; `invalid`: the request itself; `closed`: the store was closed here.
 */
export type EtcdErrorCode =
  | 'unavailable'
  | 'denied'
  | 'lease-gone'
  | 'compacted'
  | 'full'
  | 'invalid'
  | 'closed'

/** A call to etcd that failed, with words that say what to do about it. */
export class EtcdError extends Error {
  readonly code: EtcdErrorCode

  constructor(code: EtcdErrorCode, message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'EtcdError'
    this.code = code
  }
}

/** gRPC writes every failure as `14 UNAVAILABLE: words`; etcd3 puts its class name before that. */
const STATUS = /(?:^|\s)([0-9]{1,2}) [A-Z_]+: ?([\s\S]*)$/
const TLS = /certificate|ssl|tls|self.signed|wrong version|altnames|EPROTO/i

/** Turns whatever etcd3 or gRPC threw into an EtcdError about the member at `url`. */
export function toEtcdError(error: unknown, url: string): EtcdError {
  if (error instanceof EtcdError) return error
  const message = error instanceof Error ? error.message : String(error)
  if (message.includes('client was already closed'))
    return new EtcdError('closed', 'the connection to etcd was closed', error)
  const [, status, words = message] = STATUS.exec(message) ?? []
  const [code, text] = explain(Number(status ?? -1), words, url)
  return new EtcdError(code, text, error)
}

function explain(status: number, words: string, url: string): [EtcdErrorCode, string] {
  if (words.includes('user name is empty'))
    return ['denied', `etcd at ${url} wants a user: set etcd-user and etcd-password`]
  if (words.includes('authentication is not enabled'))
    return ['denied', `etcd at ${url} has no users: leave out etcd-user`]
  if (words.includes('authentication failed'))
    return ['denied', `etcd at ${url} refused the user or password: check etcd-user, etcd-password`]
  if (words.includes('permission denied'))
    return ['denied', `the etcd user may not do this: grant its role readwrite on the whole prefix`]
  if (words.includes('lease not found')) return ['lease-gone', 'the lease expired or was revoked']
  if (words.includes('has been compacted')) return ['compacted', 'etcd no longer has this revision']
  if (words.includes('space exceeded'))
    return ['full', `etcd at ${url} is full: compact, defragment, then disarm its NOSPACE alarm`]
  if (words.includes('too many requests'))
    return ['unavailable', `etcd at ${url} has too much to do`]
  switch (status) {
    case 7:
    case 16:
      return ['denied', `etcd at ${url} refused: ${words}`]
    case 3:
    case 5:
    case 6:
    case 8:
    case 9:
    case 11:
    case 12:
    case -1:
      return ['invalid', `etcd at ${url}: ${words}`]
    case 4:
      return ['unavailable', `etcd at ${url} did not answer in time`]
    default:
      return TLS.test(words)
        ? ['unavailable', `no TLS connection to etcd at ${url}: ${words}; check etcd-ca, etcd-cert`]
        : ['unavailable', `etcd at ${url} cannot be reached: ${words}; does it run, https or http?`]
  }
}
