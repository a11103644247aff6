import type { z } from 'zod'
import { CLI_SETTINGS } from './setting/cli.ts'
import { CLUSTER_SETTINGS } from './setting/cluster.ts'
import { CONTROLLER_SETTINGS } from './setting/controller.ts'
import { DISCOVERY_SETTINGS } from './setting/discovery.ts'
import { LAUNCHER_SETTINGS } from './setting/launcher.ts'
import { POOL_SETTINGS } from './setting/pool.ts'
import { READING_SETTINGS } from './setting/reading.ts'
import { REGISTRAR_SETTINGS } from './setting/registrar.ts'

export type { Service } from './setting/kind.ts'

/**
 * Every setting there is: one schema for flags (`--hold-timeout 90s`), environment (`REVEILLE_HOLD_TIMEOUT=90s`) and
 * file (`holdTimeout: "90s"` as JSON), in this order of precedence. docs/configuration.md is generated from it.
 */
export const SETTINGS = {
  ...CLUSTER_SETTINGS,
  ...CONTROLLER_SETTINGS,
  ...READING_SETTINGS,
  ...LAUNCHER_SETTINGS,
  ...REGISTRAR_SETTINGS,
  ...DISCOVERY_SETTINGS,
  ...POOL_SETTINGS,
  ...CLI_SETTINGS,
} as const

export type SettingName = keyof typeof SETTINGS
export type Settings = { [K in SettingName]: z.output<(typeof SETTINGS)[K]['schema']> }

/** `holdTimeout` -> `hold-timeout` */
export function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** `holdTimeout` -> `REVEILLE_HOLD_TIMEOUT` */
export function variableOf(name: string): string {
  return `REVEILLE_${flagOf(name).replaceAll('-', '_').toUpperCase()}`
}
