import {
  SETTINGS,
  type Service,
  type SettingName,
  type Settings,
  variableOf,
} from '../../model/setting.ts'

/**
 * By this a service gives back what it needed for a moment, as when it reads all apps: its young objects have 12 MB and not
 * 48, it may collect what a burst has left (`adapters/heap.ts`), and a buffer of 128 kB and more has pages of its own whatever
 * came before. Unit files say the same.
 */
export const THRIFT = {
  NODE_OPTIONS: '--max-semi-space-size=4 --expose-gc',
  MALLOC_MMAP_THRESHOLD_: '131072',
} as const

function textOf(value: unknown): string {
  return Array.isArray(value) ? value.join(',') : String(value)
}

/**
 * The environment of services in one process: ours over {@link THRIFT}, but with all of their settings as they are in force
 * here. By environment and not by flags, since flags show in process lists and one of them is a password. But not the app of
 * a sidekick, should the environment of `up` have one: its registrar is the engine's.
 */
export function environmentOf(
  services: readonly Service[],
  settings: Settings,
  env: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  const others = Object.entries(env).filter(([name]) => !name.startsWith('REVEILLE_'))
  const own = (Object.keys(SETTINGS) as SettingName[])
    .filter((name) => SETTINGS[name].services.some((service) => services.includes(service)))
    .filter((name) => name !== 'app' && settings[name] !== undefined)
    .map((name) => [variableOf(name), textOf(settings[name])])
  return { ...THRIFT, ...Object.fromEntries([...others, ...own]) }
}
