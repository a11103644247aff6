import type { Command } from 'commander'
import { loadSettings } from '../../adapters/settings.ts'
import { SETTINGS, type SettingName, type Settings } from '../../model/setting.ts'
import { printJson } from '../escape.ts'
import { addExamples, addSettings } from '../option.ts'
import { printFields } from '../table.ts'
import type { Terminal } from '../terminal.ts'

/** Settings nobody should read over a shoulder. */
const SECRET: ReadonlySet<SettingName> = new Set(['token', 'etcdPassword'])
const MASK = '********'

/** The user and password some put into an etcd or hook URL. */
const CREDENTIALS = /(?<=:\/\/)[^/@\s]+(?=@)/g

/** `reveille config` */
export function addConfig(program: Command, terminal: Terminal): void {
  const config = program
    .command('config')
    .description('show every setting as it is in force: flags over environment over file')
  addSettings(config, 'Settings:', Object.keys(SETTINGS) as SettingName[])
  addExamples(config, [
    ['reveille config', 'as a table, secrets masked'],
    ['reveille config --config /etc/reveille.json --json', 'what a file amounts to'],
  ])
  config.action((flags: Record<string, unknown>) => {
    const settings = loadSettings(flags, terminal.env)
    const shown = maskSecrets(settings)
    if (settings.json) return terminal.out(`${printJson(shown)}\n`)
    const text = (value: unknown): string =>
      Array.isArray(value) ? value.join(',') : String(value)
    printFields(
      terminal,
      Object.fromEntries(
        Object.entries(shown).map(([name, value]) => [
          name,
          value === undefined ? '' : text(value),
        ]),
      ),
    )
  })
}

/** The settings with secrets replaced; what is not set stays so. */
export function maskSecrets(settings: Settings): Record<string, unknown> {
  const mask = (name: string, value: unknown): unknown => {
    if (value === '' || value === undefined) return value
    if (SECRET.has(name as SettingName)) return MASK
    if (Array.isArray(value)) return value.map((item: unknown) => mask(name, item))
    return typeof value === 'string' ? value.replace(CREDENTIALS, MASK) : value
  }
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [name, mask(name, value)]),
  )
}
