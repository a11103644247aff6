import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Settings } from '../model/setting.ts'
import { runCommand } from './command.ts'
import { isHaproxyRunning, reloadHaproxy, tellHaproxy } from './haproxy.ts'
import { askGeneration, isNginxRunning, reloadNginx } from './nginx.ts'

/** What the proxies differ in. */
interface Kind {
  /** of the built-in template */
  template: string
  /** checks `{{candidate}}` unless another command is given */
  check: string
  isRunning(pidFile: string): Promise<boolean>
  reload(pidFile: string): Promise<void>
  /** by the socket beside its pid file; absent where it takes none */
  tell?(socketFile: string, command: string): Promise<void>
}

const KINDS: Record<Settings['proxy'], Kind> = {
  nginx: {
    template: 'nginx.conf.njk',
    check: 'nginx -e stderr -t -q -c {{candidate}}',
    isRunning: isNginxRunning,
    reload: reloadNginx,
  },
  haproxy: {
    template: 'haproxy.cfg.njk',
    check: 'haproxy -c -f {{candidate}}',
    isRunning: isHaproxyRunning,
    reload: reloadHaproxy,
    tell: tellHaproxy,
  },
}

/** A proxy as it is checked, reloaded and asked. */
export interface LocalProxy {
  /** written by the proxy as it starts */
  pidFile: string
  check(candidate: string): Promise<void>
  running(): Promise<boolean>
  reload(): Promise<void>
  generation(): Promise<number | null>
  /** Tells it a command while it runs; null where it takes none. */
  tell: ((command: string) => Promise<void>) | null
}

/**
 * The proxy that the settings name.
 * @param folder where its pid file is
 * @param address address:port at which it answers on this machine
 */
export function openProxy(
  settings: Pick<Settings, 'proxy' | 'checkCmd' | 'reloadCmd'>,
  folder: string,
  address: string,
): LocalProxy {
  const { proxy, checkCmd, reloadCmd } = settings
  const { check, isRunning, reload, tell } = KINDS[proxy]
  const pidFile = join(folder, `${proxy}.pid`)
  return {
    pidFile,
    check: (candidate) => runCommand(checkCmd || check, candidate),
    // Whether another proxy runs only its own reload command can tell.
    running: async () => reloadCmd !== '' || (await isRunning(pidFile)),
    reload: () => (reloadCmd === '' ? reload(pidFile) : runCommand(reloadCmd)),
    generation: () => askGeneration(address),
    tell: tell ? (command) => tell(join(folder, `${proxy}.sock`), command) : null,
  }
}

/** The template's path. templates/ lies beside adapters/ in the source and beside dist/ in the build. */
export function templatePath({ template, proxy }: Pick<Settings, 'template' | 'proxy'>): string {
  if (template !== '') return template
  const places = ['../templates/', '../../templates/'].map((place) => place + KINDS[proxy].template)
  const paths = places.map((place) => fileURLToPath(new URL(place, import.meta.url)))
  return paths.find((path) => existsSync(path)) ?? (paths[0] as string)
}
