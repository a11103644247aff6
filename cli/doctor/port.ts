import { parseAddress } from '../../model/address.ts'
import { parseEndpoint } from '../../model/endpoint.ts'
import { flagOf, type Settings } from '../../model/setting.ts'
import { type Check, type Finding, fail, ok } from './check.ts'
import { findHolders, type Holder, type Listener, readListeners } from './listener.ts'

const LISTENS = [
  ['listen', 'tcp'],
  ['wakeListen', 'tcp'],
  ['apiListen', 'tcp'],
  ['controllerAdmin', 'tcp'],
  ['registrarAdmin', 'tcp'],
  ['activityListen', 'udp'],
] as const satisfies [keyof Settings, 'tcp' | 'udp'][]

/** Our own processes, by how they are started. */
const OURS =
  /\breveille\b|\/(?:cli|controller|launcher|registrar)\/main\.(?:js|ts)\b|^nginx: worker/

/** Whether the addresses our services listen on are free, or held by our services. */
export const checkPorts: Check = async (settings) => {
  const listeners = await readListeners()
  const taken = LISTENS.map(([name, protocol]) => {
    const endpoint = parseEndpoint(settings[name])
    const held = listeners.filter(
      (each) =>
        each.protocol === protocol &&
        each.port === endpoint?.port &&
        overlaps(each, endpoint?.host ?? ''),
    )
    return { name, protocol, held }
  })
  const inodes = new Set(taken.flatMap(({ held }) => held.map(({ inode }) => inode)))
  const holders = await findHolders(inodes)
  return taken.map(({ name, protocol, held }) => {
    const who = held.flatMap(({ inode }) => holders.get(inode) ?? [])
    return judge(
      `${flagOf(name)} ${settings[name]}`,
      flagOf(name),
      protocol,
      held.length > 0,
      who,
      settings,
    )
  })
}

function judge(
  name: string,
  flag: string,
  protocol: string,
  taken: boolean,
  who: Holder[],
  { runDir }: Settings,
): Finding {
  if (!taken) return ok(name, 'free')
  const [first] = who
  const move = `or choose another port with --${flag}.`
  if (!first)
    return fail(
      name,
      'taken by a process only root can see',
      `Run this as root to see which; stop it, ${move}`,
    )
  const shown = `${first.command.slice(0, 60)} (pid ${first.pid})`
  const ours = who.some(({ command }) => OURS.test(command) || command.includes(runDir))
  if (ours) return ok(name, `ours: ${shown}`)
  return fail(name, `taken by ${shown}`, `Stop it (${protocol}), ${move}`)
}

/** Whether a socket stands in the way of one on `host`: the same address, or one of them is every address. */
function overlaps({ address }: Listener, host: string): boolean {
  if (/^0+$/.test(address)) return true
  const wanted = parseAddress(host)
  if (!wanted || wanted.bits === 0n) return true
  return kernelForm(wanted.bits, wanted.family) === address
}

/** /proc/net writes addresses as 32-bit words in the order of the processor. */
function kernelForm(bits: bigint, family: 4 | 6): string {
  const words = (
    bits
      .toString(16)
      .padStart(family === 4 ? 8 : 32, '0')
      .match(/.{8}/g) ?? []
  ).map((word) => (word.match(/../g) ?? []).reverse().join(''))
  return words.join('').toUpperCase()
}
