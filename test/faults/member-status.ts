import type { LabFleet, LabMember } from '../lab/fleet/fleet.ts'
import { etcdctl } from './etcdctl.ts'

/** What the running members say of their cluster. Throws if one does not answer. */
async function statuses(
  fleet: LabFleet,
): Promise<{ id: string; leader: string | null; url: string }[]> {
  const words = await etcdctl(fleet, 'endpoint', 'status', '--write-out=json')
  // 64-bit ids do not fit a number
  const told = JSON.parse(words.replaceAll(/:(\d{16,})/g, ':"$1"')) as {
    Endpoint: string
    Status: { header: { member_id: string }; leader?: string }
  }[]
  if (told.length < fleet.members.filter(({ etcd }) => etcd.isRunning).length)
    throw new Error('a member does not answer')
  return told.map(({ Endpoint: url, Status: { header, leader } }) => ({
    ...{ id: header.member_id, leader: leader ?? null, url },
  }))
}

/** The member that all running members follow; null while there is none. */
export async function leaderOf(fleet: LabFleet): Promise<LabMember | null> {
  const told = await statuses(fleet)
  const leader = told[0]?.leader
  if (!leader || told.some((each) => each.leader !== leader)) return null
  const url = told.find(({ id }) => id === leader)?.url
  return fleet.members.find((member) => member.url === url) ?? null
}
