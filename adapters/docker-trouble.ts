/** Node's and OpenSSL's codes of a server certificate that our CA did not sign. */
const UNKNOWN_CA = new Set([
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/** What an engine that gets plain HTTP on its TLS port answers. */
const WANTS_TLS = /client sent an http request to an https server/i

/** What an operator can do about a connection that fails with `code`; '' where the words of the failure say enough. */
function remedy(code: string): string {
  if (UNKNOWN_CA.has(code))
    return 'the certificate of the engine is not signed by the CA given as --docker-ca'
  switch (code) {
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'the certificate of the engine needs its IP address as subjectAltName (IP:...)'
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return 'renew the certificate of the engine, or set the clocks right'
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
    case 'EPROTO':
      return 'the engine speaks no TLS there: start it with --tlsverify, or leave out --docker-ca'
    case 'ECONNREFUSED':
    case 'ENOENT':
      return 'nothing listens there: does its dockerd run?'
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'that machine is down or not in this network'
    default:
  }
  if (/^ERR_SSL_.*(?:ALERT|CERTIFICATE)/.test(code))
    return 'the engine refuses our client certificate: give --docker-cert and --docker-key, signed by the CA of the engine'
  return ''
}

/** The words of a failed connection, with what to do about it. */
export function explainConnection(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException
  const words = error instanceof Error ? message.trim() : String(error)
  const hint = remedy(code)
  return hint === '' ? words : `${words} (${hint})`
}

/** Why an engine answers nothing but 400: null if `words` are about something else. */
export function explainRefusal(words: string): string | null {
  return WANTS_TLS.test(words)
    ? 'the engine speaks TLS there: give --docker-ca, --docker-cert and --docker-key'
    : null
}
