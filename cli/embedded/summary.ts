import { join } from 'node:path'
import { SETTINGS, type Settings } from '../../model/setting.ts'
import type { ChosenEngine } from './engine.ts'
import { urlOf } from './health.ts'
import { imagesFile } from './images.ts'

const ENGINES: Record<ChosenEngine['kind'], string> = {
  given: 'Docker, the one of this machine',
  own: 'Docker, started by up',
  process: 'apps as child processes without isolation, for trying things out',
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

/** How to get images of one's own into an engine that other tools do not know of. */
function engineHints({ kind, url }: ChosenEngine, settings: Settings, images: string[]): string[] {
  const indent = ' '.repeat(15)
  if (kind === 'own') return [`${indent}build images of your own in it: export DOCKER_HOST=${url}`]
  if (kind === 'given') return []
  return [
    `${indent}images: ${images.join(', ') || 'none'}; more in ${imagesFile(settings.stateDir)}`,
  ]
}

/** What to read when all is up: where everything is, and what to try. `images`: of the process engine. */
export function summaryOf(settings: Settings, engine: ChosenEngine, images: string[]): string {
  const gateway = urlOf(settings.listen) + settings.pathPrefix
  const etcd = settings.etcd.join(',')
  const etcdctl = etcd === 'http://127.0.0.1:2379' ? '' : `ETCDCTL_ENDPOINTS=${etcd} `
  const reveille = `${preset(settings)}npx reveille`
  const tries: [string, string][] = settings.demo
    ? [
        [`curl ${gateway}/A/`, 'starts app A; the same request is answered'],
        [`open ${gateway}/C/ in a browser`, 'it takes 4 s on purpose: see the waiting page'],
        [`curl ${gateway}/F/`, 'nobody made an app F: a blueprint did'],
        [`curl ${gateway}/demo-42/name`, 'another blueprint'],
        [`${etcdctl}etcdctl get /services/clusters/A`, 'where A runs'],
        [`${reveille} app ls`, 'what runs, what sleeps'],
        [`${reveille} wake B`, 'with progress'],
      ]
    : [
        [`${reveille} app add shop --image <image> --port <port>`, `then: curl ${gateway}/shop/`],
        [`${reveille} app ls`, 'what runs, what sleeps'],
      ]
  const width = Math.max(...tries.map(([line]) => line.length))
  return [
    '',
    `Reveille is up: ${gateway}/<app>/`,
    '',
    ...tries.map(([line, meaning]) => `  ${line.padEnd(width)}  # ${meaning}`),
    '',
    ...(settings.available === ''
      ? []
      : [`  which apps may run is decided by ${settings.available}: it may deny these`]),
    `  engine       ${ENGINES[engine.kind]} (${engine.url})`,
    ...engineHints(engine, settings, images),
    `  private API  ${urlOf(settings.apiListen)}, token in ${join(settings.stateDir, 'token')}`,
    `  etcd         ${etcd}`,
    `  files        ${settings.stateDir}, ${settings.runDir}`,
    '',
    settings.demo ? 'Ctrl-C ends everything and leaves nothing behind.' : 'Ctrl-C ends everything.',
    '',
    '',
  ].join('\n')
}
