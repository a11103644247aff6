import { setTimeout as delay } from 'node:timers/promises'
import { flagOf, type Settings } from '../../model/setting.ts'
import { Failure } from '../failure.ts'
import { holderOf } from '../listener.ts'
import { type Address, tryListen } from './address.ts'

/** Every address `up` listens on by itself or by a service. */
export function addressesOf(settings: Settings): Address[] {
  const tcp = ['listen', 'wakeListen', 'apiListen', 'controllerAdmin', 'registrarAdmin'] as const
  return [
    ...tcp.map((setting) => ({ setting, listen: settings[setting], protocol: 'tcp' as const })),
    { setting: 'activityListen', listen: settings.activityListen, protocol: 'udp' },
  ]
}

async function explain({ setting, listen, protocol }: Address, code: string): Promise<string> {
  const cure = `choose another with --${flagOf(setting)}`
  if (code === 'EADDRINUSE') {
    const holder = (await holderOf(listen, protocol)) || 'another process'
    return `${listen} (${protocol}) is taken by ${holder}: end it, or ${cure}`
  }
  if (code === 'EACCES') return `${listen} may not be listened on by this user: ${cure}`
  if (code === 'EADDRNOTAVAIL') return `${listen} is no address of this machine: ${cure}`
  return `${listen} cannot be listened on (${code}): ${cure}`
}

/** What an `up` that was just killed left is going away: taken is who holds on. */
async function tryPatiently(address: Address): Promise<string> {
  for (let attempt = 0; attempt < 10; attempt++) {
    const code = await tryListen(address)
    if (code !== 'EADDRINUSE') return code
    await delay(100)
  }
  return 'EADDRINUSE'
}

/** Finds out, before anything is started, whether all addresses are free. @throws Failure that names each holder */
export async function refuseConflicts(addresses: Address[]): Promise<void> {
  const problems: string[] = []
  const seen = new Map<string, string>()
  for (const address of addresses) {
    const key = `${address.protocol} ${address.listen}`
    const twin = seen.get(key)
    seen.set(key, address.setting)
    if (twin) problems.push(`--${flagOf(twin)} and --${flagOf(address.setting)} are the same`)
    const code = await tryPatiently(address)
    if (code !== '') problems.push(await explain(address, code))
  }
  if (problems.length > 0) throw new Failure('some addresses cannot be used', problems)
}
