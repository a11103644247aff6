import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { parseEndpoint } from '../../model/endpoint.ts'
import type { SettingName, Settings } from '../../model/setting.ts'
import { Gateways, Hosts } from '../reply.ts'
import { findToken } from '../session.ts'
import { ask, fieldsOf } from './ask.ts'

/**
 * The settings, with what runs on this machine in place of the defaults: `up` may have started an engine of its own,
 * and its gateway may listen elsewhere. What somebody gave is left as it is.
 */
export async function adopt(
  settings: Settings,
  isGiven: (name: SettingName) => boolean,
): Promise<Settings> {
  const { engine, listen } = await findRunning(settings)
  return {
    ...settings,
    ...(engine !== undefined && !isGiven('docker') && { docker: engine }),
    ...(listen !== undefined && !isGiven('listen') && { listen }),
  }
}

async function findRunning(settings: Settings): Promise<{ engine?: string; listen?: string }> {
  const headers = { authorization: `Bearer ${tokenOf(settings)}` }
  const read = async (what: string): Promise<Record<string, unknown>> =>
    fieldsOf(await ask(`${settings.api.replace(/\/$/, '')}/v1/${what}`, { headers }))
  const hosts = Hosts.safeParse(await read('hosts'))
  const gateways = Gateways.safeParse(await read('gateways'))
  const host = ownOf(hosts.success ? hosts.data.hosts : [], ({ name }) => name, settings)
  const gateway = ownOf(gateways.success ? gateways.data.gateways : [], ({ id }) => id, settings)
  const engine = [host?.engine, ...socketsOf(settings)].find(isHere)
  const listen = gateway?.listen
  return {
    ...(engine !== undefined && { engine }),
    ...(listen !== undefined && parseEndpoint(listen) && { listen }),
  }
}

function tokenOf(settings: Settings): string {
  try {
    return findToken(settings).token
  } catch {
    return '' // a check of its own says so
  }
}

/** The record of this machine: that with its name, or the only one there is where the API is here too. */
function ownOf<T>(records: T[], nameOf: (record: T) => string, settings: Settings): T | undefined {
  const own = records.find((record) => nameOf(record) === (settings.id ?? hostname()))
  if (own || records.length !== 1) return own
  const isLocal = /^(?:127\..*|localhost|\[::1\])$/.test(new URL(settings.api).hostname)
  return isLocal ? records[0] : undefined
}

/** Where `up` puts the socket of an engine of its own. */
function socketsOf({ runDir }: Settings): string[] {
  return ['docker.sock', 'engine.sock'].map((name) => `unix://${join(runDir, name)}`)
}

function isHere(engine: string | undefined): engine is string {
  // by ssh this machine is reached from others; itself it has the socket
  if (engine === undefined || engine.startsWith('ssh:')) return false
  return !engine.startsWith('unix://') || existsSync(engine.slice('unix://'.length))
}
