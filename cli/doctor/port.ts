import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { parseAddress } from '../../model/address.ts'
import { parseEndpoint } from '../../model/endpoint.ts'
import { flagOf, type Settings } from '../../model/setting.ts'
import { findHolders, type Holder, overlaps, readListeners } from '../listener.ts'
import { type Check, type Finding, fail, ok, warn } from './check.ts'

const LISTENS = [
  ['listen', 'tcp'],
  ['wakeListen', 'tcp'],
  ['apiListen', 'tcp'],
  ['spawner', 'tcp'],
  ['controllerAdmin', 'tcp'],
  ['registrarAdmin', 'tcp'],
  ['activityListen', 'udp'],
] as const satisfies [keyof Settings, 'tcp' | 'udp'][]

/** Our own processes, by how they are started. */
const OURS =
  /(?:\/|^)reveille (?:up|controller|launcher|registrar)\b|\/(?:cli|controller|launcher|registrar)\/main\.[jt]s\b/

/** Whether the addresses our services listen on are free, or held by our services. */
export const checkPorts: Check = async (settings) => {
  const listeners = await readListeners()
  const wanted = LISTENS.flatMap(([setting, protocol]) => {
    const listen = settings[setting]
    if (listen === undefined) return []
    const { host, port } = parseEndpoint(listen) ?? { host: '', port: 0 }
    const inodes = listeners
      .filter((each) => each.protocol === protocol && each.port === port && overlaps(each, host))
      .map(({ inode }) => inode)
    return [{ setting, host, port, inodes }]
  })
  const low = await lowestPort()
  const holders = await findHolders(new Set(wanted.flatMap(({ inodes }) => inodes)))
  const findings = wanted.map(async ({ setting, host, port, inodes }) => {
    const flag = `--${flagOf(setting)}`
    const name = `${flagOf(setting)} ${settings[setting]}`
    if (!isLocal(host))
      return fail(name, `${host} is no address of this machine`, `Choose another with ${flag}.`)
    if (inodes.length === 0 && port < low)
      return warn(
        name,
        `free, but only root may use ports below ${low}`,
        `Run this as root, or choose another with ${flag}.`,
      )
    if (inodes.length === 0) return ok(name, 'free')
    return judge(
      name,
      flag,
      inodes.flatMap((inode) => holders.get(inode) ?? []),
      settings.runDir,
    )
  })
  return Promise.all(findings)
}

async function judge(name: string, flag: string, who: Holder[], runDir: string): Promise<Finding> {
  const [first] = who
  const hidden = 'taken by a process only root can see'
  if (!first)
    return fail(name, hidden, `Run this as root to see it, or choose another with ${flag}.`)
  const shown = `${first.command.slice(0, 60)} (pid ${first.pid})`
  const ours = await Promise.all(who.map((holder) => isOurs(holder, runDir)))
  if (ours.includes(true)) return ok(name, `ours: ${shown}`)
  return fail(name, `taken by ${shown}`, `Stop it, or choose another with ${flag}.`)
}

/** An nginx is ours by the pid file of the run directory, or by its own file, which need not be there. */
async function isOurs({ pid, command }: Holder, runDir: string): Promise<boolean> {
  if (OURS.test(command) || command.includes(`${runDir}/`)) return true
  const noted = await readFile(join(runDir, 'nginx', 'nginx.pid'), 'utf8').catch(() => '')
  if (Number(noted) === pid) return true
  const file = /^nginx: .* -c (\S+)/.exec(command)?.[1]
  const text = file === undefined ? '' : await readFile(file, 'utf8').catch(() => '')
  return text.includes('/_reveille/')
}

/** The first port this user may listen on. */
async function lowestPort(): Promise<number> {
  if (process.getuid?.() === 0) return 0
  const text = await readFile('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8').catch(
    () => '',
  )
  return text === '' ? 1024 : Number(text)
}

/** Whether a service may listen on this address: one of an interface, or every address. */
function isLocal(host: string): boolean {
  const address = parseAddress(host)
  if (!address || address.bits === 0n || host.startsWith('127.')) return true
  return Object.values(networkInterfaces()).some((each) =>
    each?.some((own) => parseAddress(own.address)?.bits === address.bits),
  )
}
