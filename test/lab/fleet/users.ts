import { command } from '../command.ts'
import { ETCD_USER, memberUrls, type Site } from './site.ts'

/** What etcdctl needs in its environment. */
export function etcdctlOf(site: Site): Record<string, string> {
  const { ca, client } = site.certificates
  return {
    ETCDCTL_API: '3',
    ETCDCTL_ENDPOINTS: memberUrls(site).join(','),
    ...(site.options.secure && {
      ETCDCTL_CACERT: ca.cert,
      ETCDCTL_CERT: client.cert,
      ETCDCTL_KEY: client.key,
      ETCDCTL_USER: `${ETCD_USER.user}:${ETCD_USER.password}`,
    }),
  }
}

/**
 * Gives etcd its users: ours, which may touch nothing but our keys. Nobody else gets in from then on.
 * @param environment what {@link etcdctlOf} says of it
 */
export async function enableUsers(environment: Record<string, string>): Promise<void> {
  const { ETCDCTL_USER: _, ...before } = environment
  const settings = Object.entries(before).map(([name, value]) => `${name}=${value}`)
  const { user, password } = ETCD_USER
  const etcdctl = (line: string) => command('env', ...settings, 'etcdctl', ...line.split(' '))
  await etcdctl(`user add root:${password}`)
  await etcdctl('user grant-role root root')
  await etcdctl('role add reveille')
  await etcdctl('role grant-permission reveille --prefix=true readwrite /services/')
  await etcdctl(`user add ${user}:${password}`)
  await etcdctl(`user grant-role ${user} reveille`)
  await etcdctl('auth enable')
}
