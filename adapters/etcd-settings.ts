import { readFileSync } from 'node:fs'
import type { Settings } from '../model/setting.ts'
import type { EtcdOptions } from './etcd-members.ts'

type EtcdSettings = Pick<
  Settings,
  'etcd' | 'etcdUser' | 'etcdPassword' | 'etcdCa' | 'etcdCert' | 'etcdKey'
>

/** How to reach the cluster, the certificates read from their files. Throws where one cannot be read. */
export function etcdOptions(settings: EtcdSettings): EtcdOptions {
  const file = (path: string): Buffer | undefined => (path === '' ? undefined : readFileSync(path))
  const [ca, cert, key] = [settings.etcdCa, settings.etcdCert, settings.etcdKey].map(file)
  return {
    urls: settings.etcd,
    ...(settings.etcdUser !== '' && { user: settings.etcdUser, password: settings.etcdPassword }),
    ...((ca || cert || key) && {
      tls: { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) },
    }),
  }
}
