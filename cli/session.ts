import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { loadSettings } from '../adapters/settings.ts'
import { isAppName } from '../model/name.ts'
import type { Settings } from '../model/setting.ts'
import { Api } from './client.ts'
import { codeOf, Failure, misuse } from './failure.ts'
import { gatewayOf } from './gateway.ts'
import { addSettings, settingsOf } from './option.ts'
import type { Terminal } from './terminal.ts'

/** What a command that talks to a running cluster works with. */
export interface Session {
  api: Api
  /** where browsers find an app */
  urlOf(app: string): Promise<string>
  /** whether to print JSON */
  json: boolean
  terminal: Terminal
}

/** The options every command has that talks to a running cluster. */
export function addConnection(command: Command): Command {
  return addSettings(command, 'Connection:', settingsOf('cli'))
}

/** The token given, else the one a launcher left in the state directory, else none; and, as a sentence, which it is. */
export function findToken(settings: Settings): { token: string; source: string } {
  if (settings.token !== '')
    return {
      token: settings.token,
      source: 'It was given by --token, REVEILLE_TOKEN or the file of --config.',
    }
  const path = join(resolve(settings.stateDir), 'token')
  try {
    return { token: readFileSync(path, 'utf8').trim(), source: `It was read from ${path}.` }
  } catch (error) {
    if (codeOf(error) === 'ENOENT')
      return { token: '', source: `None was given, and there is no ${path} to read it from.` }
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
  const { token, source } = findToken(settings)
  const api = new Api({ url: settings.api, token, tokenSource: source, signal })
  let gateway: Promise<string> | undefined
  const urlOf = async (app: string): Promise<string> => {
    gateway ??= gatewayOf(settings, api)
    return `${await gateway}/${app}/`
  }
  try {
    await work({ api, urlOf, json: settings.json, terminal })
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
