import { readFile } from 'node:fs/promises'
import { command } from './command.ts'

/** A certificate and its key, as PEM files. */
export interface Certificate {
  cert: string
  key: string
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']

/** Makes a certificate authority in `folder`. */
export async function makeCa(folder: string, name = 'ca'): Promise<Certificate> {
  const made = { cert: `${folder}/${name}.pem`, key: `${folder}/${name}.key` }
  const files = ['-keyout', made.key, '-out', made.cert]
  await command('openssl', 'req', '-x509', ...KEY, ...files, '-subj', `/CN=${name}`)
  return made
}

/**
 * Makes a certificate that `ca` has signed, for a server at `addresses` or, without any, for a client; `usage` where
 * it is for more than that.
 */
export async function makeCertificate(
  folder: string,
  name: string,
  ca: Certificate,
  addresses: string[] = [],
  usage = addresses.length === 0 ? 'clientAuth' : 'serverAuth',
): Promise<Certificate> {
  const made = { cert: `${folder}/${name}.pem`, key: `${folder}/${name}.key` }
  const names = addresses.map((address) => `IP:${address}`).join(',')
  await command(
    ...['openssl', 'req', '-x509', ...KEY, '-keyout', made.key, '-out', made.cert],
    ...['-CA', ca.cert, '-CAkey', ca.key, '-subj', `/CN=${name}`],
    ...['-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-addext', `extendedKeyUsage=${usage}`],
    ...(names === '' ? [] : ['-addext', `subjectAltName=${names}`]),
  )
  return made
}

/** Its files, read: what a client of an engine or of etcd is given. */
export async function readTls(
  ca: Certificate,
  own?: Certificate,
): Promise<{ ca: Buffer; cert?: Buffer; key?: Buffer }> {
  if (!own) return { ca: await readFile(ca.cert) }
  return {
    ca: await readFile(ca.cert),
    cert: await readFile(own.cert),
    key: await readFile(own.key),
  }
}
