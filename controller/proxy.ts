import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runCommand } from '../adapters/command.ts'
import { isHaproxyRunning, reloadHaproxy } from '../adapters/haproxy.ts'
import { askGeneration, isNginxRunning, reloadNginx } from '../adapters/nginx.ts'
import type { Settings } from '../model/setting.ts'
import { nearest } from './address.ts'
import type { Proxy } from './apply.ts'
import { type Quote, quoteHaproxy, quoteNginx } from './quote.ts'

/** What the proxies differ in. */
interface Kind {
  /** of the built-in template */
  template: string
  quote: Quote
  /** checks `{{candidate}}` unless another command is given */
  check: string
  isRunning(pidFile: string): Promise<boolean>
  reload(pidFile: string): Promise<void>
}

const KINDS: Record<Settings['proxy'], Kind> = {
  nginx: {
    template: 'nginx.conf.njk',
    quote: quoteNginx,
    check: 'nginx -e stderr -t -q -c {{candidate}}',
    isRunning: isNginxRunning,
    reload: reloadNginx,
  },
  haproxy: {
    template: 'haproxy.cfg.njk',
    quote: quoteHaproxy,
    check: 'haproxy -c -q -f {{candidate}}',
    isRunning: isHaproxyRunning,
    reload: reloadHaproxy,
  },
}

/** @param folder where the proxy's pid file is */
export function proxyOf(settings: Settings, folder: string): Proxy {
  const { check, isRunning, reload } = KINDS[settings.proxy]
  const pidFile = join(folder, `${settings.proxy}.pid`)
  return {
    check: (candidate) => runCommand(settings.checkCmd || check, candidate),
    // Whether another proxy runs only its own reload command can tell.
    running: async () => settings.reloadCmd !== '' || (await isRunning(pidFile)),
    reload: () => (settings.reloadCmd === '' ? reload(pidFile) : runCommand(settings.reloadCmd)),
    generation: () => askGeneration(nearest(settings.listen)),
  }
}

export function quoteOf(settings: Pick<Settings, 'proxy'>): Quote {
  return KINDS[settings.proxy].quote
}

/** templates/ lies beside controller/ in the source and beside dist/ in the build. */
export function templatePath({ template, proxy }: Pick<Settings, 'template' | 'proxy'>): string {
  if (template !== '') return template
  const places = ['../templates/', '../../templates/'].map((place) => place + KINDS[proxy].template)
  const paths = places.map((place) => fileURLToPath(new URL(place, import.meta.url)))
  return paths.find((path) => existsSync(path)) ?? (paths[0] as string)
}
