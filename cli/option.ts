import { type Command, Option } from 'commander'
import { formatDuration } from '../model/duration.ts'
import { flagOf, SETTINGS, type Service, type SettingName } from '../model/setting.ts'

const NAMES = Object.keys(SETTINGS) as SettingName[]

/** The settings of any of these services, in the order of the schema. */
export function settingsOf(...services: Service[]): SettingName[] {
  return NAMES.filter((name) =>
    (SETTINGS[name].services as Service[]).some((service) => services.includes(service)),
  )
}

/** The default of a setting as one would type it; '' if it has none. */
export function defaultOf(name: SettingName): string {
  const parsed = SETTINGS[name].schema.safeParse(undefined)
  const value = parsed.success ? parsed.data : undefined
  if (value === undefined || value === false) return ''
  if (SETTINGS[name].value === 'time') return formatDuration(Number(value))
  return Array.isArray(value) ? value.join(',') : String(value)
}

/** Gives a command a flag for each setting, and `--config`. Values are checked by loadSettings, in one place. */
export function addSettings(command: Command, heading: string, names: SettingName[]): Command {
  for (const name of names) {
    const { help, value } = SETTINGS[name]
    const fallback = defaultOf(name)
    const flag = `--${flagOf(name)}${value === '' ? '' : ` <${value}>`}`
    const text = fallback === '' ? help : `${help} (default: ${fallback})`
    command.addOption(new Option(flag, text).helpGroup(heading))
  }
  const config = new Option('--config <file>', 'JSON file with settings (REVEILLE_CONFIG)')
  return command.addOption(config.helpGroup(heading))
}

/** Shows what to type, below the help of a command: pairs of a command line and what it does. */
export function addExamples(
  command: Command,
  examples: [line: string, meaning: string][],
): Command {
  const lines = examples.map(([line, meaning]) => `  # ${meaning}\n  ${line}`)
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`)
}

/** For options that may be given several times. */
export function collect(value: string, earlier: string[] | undefined): string[] {
  return [...(earlier ?? []), value]
}
