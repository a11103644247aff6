import {
  SETTINGS,
  type Service,
  type SettingName,
  type Settings,
  variableOf,
} from '../../model/setting.ts'

function textOf(value: unknown): string {
  return Array.isArray(value) ? value.join(',') : String(value)
}

/**
 * The environment of services in one process: ours, but with all of their settings as they are in force here. By environment and
 * not by flags, since flags show in process lists and one of them is a password.
 */
export function environmentOf(
  services: readonly Service[],
  settings: Settings,
  env: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  const others = Object.entries(env).filter(([name]) => !name.startsWith('REVEILLE_'))
  const own = (Object.keys(SETTINGS) as SettingName[])
    .filter((name) => SETTINGS[name].services.some((service) => services.includes(service)))
    .filter((name) => settings[name] !== undefined)
    .map((name) => [variableOf(name), textOf(settings[name])])
  return Object.fromEntries([...others, ...own])
}
