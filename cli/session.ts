import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { loadSettings } from '../adapters/settings.ts'
import { parseEndpoint } from '../model/endpoint.ts'
import { isAppName } from '../model/name.ts'
import type { Settings } from '../model/setting.ts'
import { Api } from './client.ts'
import { codeOf, Failure, misuse } from './failure.ts'
import { addSettings, settingsOf } from './option.ts'
import type { Terminal } from './terminal.ts'

/** What a command that talks to a running cluster works with. */
export interface Session {
  api: Api
  settings: Settings
  /** whether to print JSON */
  json: boolean
  terminal: Terminal
}

/** The options every command has that talks to a running cluster. */
export function addConnection(command: Command): Command {
  return addSettings(command, 'Connection:', settingsOf('cli'))
}

/** The token given, else the one a launcher left in the state directory, else none: the API then says so. */
export function findToken(settings: Settings): string {
  if (settings.token !== '') return settings.token
  const path = join(settings.stateDir, 'token')
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return ''
    throw new Failure(`cannot read the API token from ${path}`, [
      'Give it with --token or REVEILLE_TOKEN, or run this as root.',
    ])
  }
}

/** Runs `work` against the API that flags, environment and file name, and leaves no connection behind. */
export async function withSession(
  terminal: Terminal,
  flags: Record<string, unknown>,
  work: (session: Session) => Promise<void>,
): Promise<void> {
  const settings = loadSettings(flags, terminal.env)
  const signal = terminal.interrupt()
  const api = new Api({ url: settings.api, token: findToken(settings), signal })
  try {
    await work({ api, settings, json: settings.json, terminal })
  } finally {
    await api.close()
  }
}

/** The name itself; one that could be none is refused before it is sent anywhere. */
export function nameOf(kind: 'app' | 'blueprint', name: string): string {
  if (isAppName(name)) return name
  throw misuse(
    `"${name}" is no name of ${kind === 'app' ? 'an app' : 'a blueprint'}`,
    'Names are 1-63 letters, digits, "-" or "_", beginning and ending with a letter or digit.',
  )
}

/** `/v1/apps/<name>` */
export function pathOf(kind: 'app' | 'blueprint', name: string): string {
  return `/v1/${kind}s/${nameOf(kind, name)}`
}

/** Where browsers find an app: as told, else the gateway's port on the machine of the API. */
export function urlOf(settings: Settings, app: string): string {
  if (settings.gateway) return `${settings.gateway.replace(/\/$/, '')}/${app}/`
  const port = parseEndpoint(settings.listen)?.port ?? 80
  const { hostname } = new URL(settings.api)
  return `http://${hostname}${port === 80 ? '' : `:${port}`}/${app}/`
}
