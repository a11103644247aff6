import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../adapters/free-port.ts'
import { findProgram } from '../../adapters/pdeathsig.ts'
import { Failure } from '../failure.ts'
import { holderOf } from '../listener.ts'
import { tryListen } from './address.ts'

/** An etcd of one member, for one machine. */
export interface OwnEtcd {
  url: string
  command: string[]
  /** why it does not listen on the usual port, or '' */
  note: string
}

const GIB = 1024 ** 3

/** etcd's usual port if it is free, else any. */
async function choosePort(usual: number): Promise<{ port: number; holder: string }> {
  const listen = `127.0.0.1:${usual}`
  const code = await tryListen({ setting: '', listen, protocol: 'tcp' })
  if (code === '') return { port: usual, holder: '' }
  return { port: await freePort(), holder: (await holderOf(listen, 'tcp')) || 'another process' }
}

/**
 * How to start an etcd whose data is kept in `stateDir`, on the loopback.
 * @throws Failure if there is no etcd to start
 */
export async function planEtcd(stateDir: string): Promise<OwnEtcd> {
  const etcd = findProgram('etcd')
  if (!etcd)
    throw new Failure('there is no etcd on this machine', [
      'Install it (Debian: apt-get install etcd-server), or name one that runs with --etcd.',
    ])
  const data = join(stateDir, 'etcd')
  mkdirSync(data, { recursive: true, mode: 0o700 })
  const client = await choosePort(2379)
  const peer = await choosePort(2380)
  const url = `http://127.0.0.1:${client.port}`
  const peerUrl = `http://127.0.0.1:${peer.port}`
  const flags = {
    name: 'reveille',
    'data-dir': data,
    'listen-client-urls': url,
    'advertise-client-urls': url,
    'listen-peer-urls': peerUrl,
    'initial-advertise-peer-urls': peerUrl,
    'initial-cluster': `reveille=${peerUrl}`,
    // a lone member waits one election before it leads
    'heartbeat-interval': '50',
    'election-timeout': '500',
    // activity and leases write all day; only what is now matters
    'auto-compaction-mode': 'periodic',
    'auto-compaction-retention': '10m',
    'quota-backend-bytes': String(2 * GIB),
    logger: 'zap',
    'log-level': 'error', // it warns of being alone
  }
  return {
    url,
    command: [etcd, ...Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`)],
    note: client.holder === '' ? '' : `127.0.0.1:2379 is taken by ${client.holder}`,
  }
}
