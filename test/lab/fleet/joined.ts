import { setTimeout as delay } from 'node:timers/promises'
import { Gateway } from '../../../model/record.ts'
import { ask } from '../../system/client.ts'
import type { LabFleet } from './fleet.ts'

/** Milliseconds until they have found each other. */
const PATIENCE = 30_000

/** Waits until every host and launcher has registered, each gateway routes to what is there, and each launcher knows it. */
export async function untilJoined(fleet: LabFleet): Promise<void> {
  const deadline = Date.now() + PATIENCE
  for (let lack = 'nobody has been asked'; lack !== ''; ) {
    if (Date.now() > deadline)
      throw new Error(`the fleet has not come together in ${PATIENCE} ms: ${lack}`)
    lack = await lackOf(fleet).catch((error: Error) => error.message)
    if (lack !== '') await delay(50)
  }
}

/** What is not as it should be, or ''. */
async function lackOf(fleet: LabFleet): Promise<string> {
  const hosts = await fleet.etcd.list('/services/hosts/')
  if (hosts.entries.length < fleet.hosts.length) return 'a host has not registered'
  const launchers = await fleet.etcd.list('/services/launchers/')
  if (launchers.entries.length < fleet.launchers.length) return 'a launcher has not registered'
  const last = launchers.entries.map((entry) => BigInt(entry.modRevision))
  for (const gateway of fleet.gateways) {
    const entry = await fleet.etcd.get(`/services/gateways/${gateway.name}`)
    if (!entry) return `${gateway.name} has not registered`
    const applied = BigInt(Gateway.parse(JSON.parse(entry.value)).applied)
    if (last.some((revision) => revision > applied)) return `${gateway.name} is behind`
  }
  for (const launcher of fleet.launchers) {
    const { status, text } = await launcher.api('GET', '/v1/hosts')
    if (status !== 200) return `${launcher.name} says ${status} ${text}`
    const known = fleet.hosts.every(({ name }) => text.includes(`"${name}"`))
    if (!known) return `${launcher.name} does not know every host`
  }
  // 404 comes from a launcher, 503 from a gateway that reaches none
  const isJoined = async ({ origin }: { origin: string }) =>
    (await ask(origin, '/_reveille/events/nobody', { timeout: 2_000 })).status === 404
  const joined = await Promise.all(fleet.gateways.map(isJoined))
  return joined.every(Boolean) || fleet.launchers.length === 0
    ? ''
    : 'a gateway does not reach the launchers'
}
