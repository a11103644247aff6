import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { flagOf, type Settings } from '../../model/setting.ts'
import { Failure } from '../failure.ts'
import { holderOf } from '../listener.ts'
import { type Address, tryListen } from './address.ts'
import { alreadyRuns } from './folders.ts'
import { urlOf } from './health.ts'

/** Every address `up` listens on by itself or by a service. */
export function addressesOf(settings: Settings): Address[] {
  const tcp = ['listen', 'wakeListen', 'apiListen', 'controllerAdmin', 'registrarAdmin'] as const
  return [
    ...tcp.map((setting) => ({ setting, listen: settings[setting], protocol: 'tcp' as const })),
    ...(settings.spawner === undefined
      ? []
      : [{ setting: 'spawner' as const, listen: settings.spawner, protocol: 'tcp' as const }]),
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

function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

/** The `up` that a process is part of, by command lines; null if it is part of none. */
function upAbove(pid: number): number | null {
  try {
    for (let at = pid; at > 1; at = parentOf(at))
      if (
        /\0[^\0]*(?:main\.[jt]s|reveille)\0up(?:\0|$)/.test(
          readFileSync(`/proc/${at}/cmdline`, 'utf8'),
        )
      )
        return at
  } catch {
    // it ended, or is not ours to look into
  }
  return null
}

/** What to say if it is another `up` that has one of the addresses, which is the usual case; else null. */
async function anotherUp(taken: Address[]): Promise<Failure | null> {
  for (const { setting, listen, protocol } of taken) {
    const pid = /\(pid (\d+)\)$/.exec(await holderOf(listen, protocol))?.[1]
    const up = pid === undefined ? null : upAbove(Number(pid))
    if (up === null) continue
    return alreadyRuns(up, setting === 'listen' ? urlOf(listen) : '', 'ports and folders')
  }
  return null
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
  const taken: Address[] = []
  const seen = new Map<string, string>()
  for (const address of addresses) {
    const key = `${address.protocol} ${address.listen}`
    const twin = seen.get(key)
    seen.set(key, address.setting)
    if (twin) problems.push(`--${flagOf(twin)} and --${flagOf(address.setting)} are the same`)
    const code = await tryPatiently(address)
    if (code === 'EADDRINUSE' && !twin) taken.push(address)
    if (code !== '') problems.push(await explain(address, code))
  }
  const another = await anotherUp(taken)
  if (another) throw another
  if (problems.length > 0) throw new Failure('some addresses cannot be used', problems)
}
