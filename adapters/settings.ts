import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import {
  flagOf,
  SETTINGS,
  type Service,
  type SettingName,
  type Settings,
  variableOf,
} from '../model/setting.ts'

/** Settings that make no sense; the message names each one and says what it must be. */
export class SettingsError extends Error {}

const NAMES = Object.keys(SETTINGS) as SettingName[]

/** Reads `--hold-timeout 90s` and the like. Throws SettingsError for a flag this service does not have. */
export function readFlags(service: Service, argv: string[]): Record<string, unknown> {
  const names = NAMES.filter((name) => (SETTINGS[name].services as Service[]).includes(service))
  const options = Object.fromEntries(
    names.map((name) => [flagOf(name), { type: 'string' as const }]),
  )
  try {
    const { values } = parseArgs({
      args: argv,
      options: { ...options, config: { type: 'string' } },
    })
    const given = new Map<string, unknown>(Object.entries(values))
    const flags: Record<string, unknown> = { config: given.get('config') }
    for (const name of names) flags[name] = given.get(flagOf(name))
    return flags
  } catch (error) {
    throw new SettingsError(`${(error as Error).message}\nTry: reveille ${service} --help`)
  }
}

function readFile(path: string): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    throw new SettingsError(`cannot read settings from ${path}: ${(error as Error).message}`)
  }
}

/** Variables that are named like a setting and are none: most are slips of the pen. */
export function unknownVariables(env: NodeJS.ProcessEnv): string[] {
  const known = new Set(['REVEILLE_CONFIG', ...NAMES.map(variableOf)])
  return Object.keys(env).filter((name) => name.startsWith('REVEILLE_') && !known.has(name))
}

/**
 * Joins flags, environment and file (named by `--config` or REVEILLE_CONFIG), in this order of precedence.
 * Throws SettingsError with a line for each setting that is wrong, and for names in the file that are none.
 */
export function loadSettings(flags: Record<string, unknown>, env: NodeJS.ProcessEnv): Settings {
  const path = typeof flags.config === 'string' ? flags.config : (env.REVEILLE_CONFIG ?? '')
  const file = path === '' ? {} : readFile(path)
  const wrong: string[] = []
  for (const name of Object.keys(file))
    if (!NAMES.includes(name as SettingName)) wrong.push(`${path}: there is no setting ${name}`)
  const settings: Record<string, unknown> = {}
  for (const name of NAMES) {
    const given: [string, unknown][] = [
      [`--${flagOf(name)}`, flags[name]],
      [variableOf(name), env[variableOf(name)]],
      [`${name} in ${path}`, file[name]],
    ]
    const [source, value] = given.find(([, value]) => value !== undefined) ?? [name, undefined]
    const parsed = SETTINGS[name].schema.safeParse(value)
    if (parsed.success) settings[name] = parsed.data
    else wrong.push(`${source}: ${parsed.error.issues.map((issue) => issue.message).join(', ')}`)
  }
  if (wrong.length > 0) throw new SettingsError(wrong.join('\n'))
  return settings as Settings
}
