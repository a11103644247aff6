import { join } from 'node:path'
import { SETTINGS, type Settings } from '../../model/setting.ts'
import type { ChosenEngine } from './engine.ts'
import { urlOf } from './health.ts'

const ENGINES: Record<ChosenEngine['kind'], string> = {
  given: 'the Docker engine of this machine',
  own: 'a Docker engine of our own',
  process: 'child processes, without isolation',
}

/** `FLAG=value ` where another terminal needs to be told what is not the default. */
function preset(settings: Settings): string {
  const usual = <T>(name: 'stateDir' | 'api'): T => SETTINGS[name].schema.parse(undefined) as T
  const api = urlOf(settings.apiListen)
  return [
    ...(settings.stateDir === usual('stateDir') ? [] : [`REVEILLE_STATE_DIR=${settings.stateDir}`]),
    ...(api === usual('api') ? [] : [`REVEILLE_API=${api}`]),
  ]
    .map((text) => `${text} `)
    .join('')
}

/** What to read when all is up: where everything is, and what to try. */
export function summaryOf(settings: Settings, engine: ChosenEngine): string {
  const gateway = urlOf(settings.listen)
  const etcd = settings.etcd.join(',')
  const etcdctl = etcd === 'http://127.0.0.1:2379' ? '' : `ETCDCTL_ENDPOINTS=${etcd} `
  const reveille = `${preset(settings)}npx reveille`
  const tries: [string, string][] = settings.demo
    ? [
        [`curl ${gateway}/A/`, 'starts app A; the same request is answered'],
        [`curl ${gateway}/F/`, 'nobody made an app F: a blueprint did'],
        [`curl ${gateway}/demo-42/name`, 'another blueprint'],
        [`${etcdctl}etcdctl get /services/clusters/A`, 'where A runs'],
        [`${reveille} ps`, 'what runs, what sleeps'],
        [`${reveille} wake B`, 'with progress'],
      ]
    : [
        [`${reveille} app add shop --image <image> --port <port>`, `then: curl ${gateway}/shop/`],
        [`${reveille} ps`, 'what runs, what sleeps'],
      ]
  const width = Math.max(...tries.map(([line]) => line.length))
  return [
    '',
    `Reveille is up: ${gateway}/<app>/`,
    '',
    ...tries.map(([line, meaning]) => `  ${line.padEnd(width)}  # ${meaning}`),
    '',
    `  apps run as  ${ENGINES[engine.kind]} (${engine.url})`,
    `  private API  ${urlOf(settings.apiListen)}, token in ${join(settings.stateDir, 'token')}`,
    `  etcd         ${etcd}`,
    `  files        ${settings.stateDir}, ${settings.runDir}`,
    '',
    settings.demo ? 'Ctrl-C ends everything and leaves nothing behind.' : 'Ctrl-C ends everything.',
    '',
    '',
  ].join('\n')
}
