import { readFileSync } from 'node:fs'
import type { Settings } from '../model/setting.ts'
import type { EngineTls } from './docker-client.ts'

type EngineSettings = Pick<Settings, 'dockerCa' | 'dockerCert' | 'dockerKey'>

/**
 * What engines at tcp:// are shown, read from its files; null if nothing is set.
 * @throws Error if a file cannot be read, or a certificate has no key
 */
export function engineTls(settings: EngineSettings): EngineTls | null {
  const { dockerCa, dockerCert, dockerKey } = settings
  if ((dockerCert === '') !== (dockerKey === ''))
    throw new Error('--docker-cert and --docker-key belong together: one of them is missing')
  const file = (path: string): Buffer | undefined => (path === '' ? undefined : readFileSync(path))
  const [ca, cert, key] = [dockerCa, dockerCert, dockerKey].map(file)
  return ca || cert ? { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) } : null
}
