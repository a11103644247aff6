import type { LabFleet } from '../lab/fleet/fleet.ts'

/** Runs etcdctl on a member that runs, and asks only those that do. */
export function etcdctl(
  fleet: Pick<LabFleet, 'members' | 'etcdctl'>,
  ...words: string[]
): Promise<string> {
  const urls = fleet.members.filter(({ etcd }) => etcd.isRunning).map(({ url }) => url)
  const settings = { ...fleet.etcdctl, ETCDCTL_ENDPOINTS: urls.join(',') }
  const environment = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
  const member = fleet.members.find(({ etcd }) => etcd.isRunning) ?? fleet.members[0]
  if (!member) throw new Error('the fleet has no etcd')
  return member.exec('env', ...environment, 'etcdctl', ...words)
}
