import { readFileSync } from 'node:fs'
import type { Settings } from '../model/setting.ts'
import type { EngineAccess, EngineTls } from './docker-client.ts'

type EngineSettings = Pick<Settings, 'dockerCa' | 'dockerCert' | 'dockerKey' | 'dockerSsh'>

/**
 * How engines are reached, the certificates read from their files.
 * @throws Error if a file cannot be read, or a certificate has no key
 */
export function engineAccess(settings: EngineSettings): EngineAccess {
  const { dockerCa, dockerCert, dockerKey, dockerSsh } = settings
  if ((dockerCert === '') !== (dockerKey === ''))
    throw new Error('--docker-cert and --docker-key belong together: one of them is missing')
  const file = (path: string): Buffer | undefined => (path === '' ? undefined : readFileSync(path))
  const [ca, cert, key] = [dockerCa, dockerCert, dockerKey].map(file)
  const tls: EngineTls = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) }
  return { tls: ca || cert ? tls : null, ssh: dockerSsh }
}
