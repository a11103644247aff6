import { join } from 'node:path'
import type { Certificate } from '../certificate.ts'
import { addressOf, networkOf } from '../network.ts'
import type { Run } from '../run.ts'
import type { Flags, FleetOptions } from './fleet.ts'

/** The kinds of machines, the letters their names begin with, and where their addresses begin. */
export const KINDS = {
  hosts: { letter: 'h', first: 20 },
  members: { letter: 'e', first: 40 },
  gateways: { letter: 'g', first: 60 },
  launchers: { letter: 'l', first: 80 },
  clients: { letter: 'c', first: 100 },
} as const
export type Kind = keyof typeof KINDS

/** Of each kind at most: their addresses would meet. */
const MOST = 19

export const ETCD_USER = { user: 'reveille', password: 'a-password-of-the-lab' }

/** What every machine of a fleet is made from. */
export interface Site {
  run: Run
  /** everything the fleet writes is below it */
  folder: string
  options: Required<Omit<FleetOptions, 'disk' | 'runDisk'>> & Pick<FleetOptions, 'disk' | 'runDisk'>
  /** of one authority: for whoever listens on any of the fleet's addresses, and for whoever calls */
  certificates: { ca: Certificate; server: Certificate; client: Certificate }
  /** the launchers' API token */
  token: string
}

export interface Place {
  name: string
  address: string
}

/** Names and addresses of all machines of a kind. Throws if they are too many. */
export function placesOf({ run, options }: Pick<Site, 'run' | 'options'>, kind: Kind): Place[] {
  const count = options[kind]
  if (count > MOST) throw new Error(`a fleet has at most ${MOST} ${kind}, not ${count}`)
  const { letter, first } = KINDS[kind]
  return Array.from({ length: count }, (_, index) => ({
    name: `${letter}${index + 1}`,
    address: addressOf(run, first + index + 1),
  }))
}

/** Where clients of etcd find its members. */
export function memberUrls(site: Pick<Site, 'run' | 'options'>): string[] {
  const scheme = site.options.secure ? 'https' : 'http'
  return placesOf(site, 'members').map(({ address }) => `${scheme}://${address}:2379`)
}

/** Settings that all services have in common, of the one on this machine. */
export function commonFlags(site: Site, { name }: Place): Flags {
  const { ca, client } = site.certificates
  const denied = [
    ...placesOf(site, 'members').map(({ address }) => `${address}:2379`),
    ...placesOf(site, 'launchers').map(({ address }) => `${address}:8091`),
  ]
  return {
    id: name,
    etcd: memberUrls(site).join(','),
    networks: networkOf(site.run).range,
    denied: denied.join(','),
    'lease-ttl': `${site.options.leaseTtl}s`,
    'state-dir': join(site.folder, name, 'state'),
    'run-dir': join(site.folder, name, 'run'),
    ...(site.options.secure && {
      'etcd-ca': ca.cert,
      'etcd-cert': client.cert,
      'etcd-key': client.key,
      'etcd-user': ETCD_USER.user,
      'etcd-password': ETCD_USER.password,
    }),
  }
}
