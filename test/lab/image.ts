import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { command } from './command.ts'
import { temporaryFolder } from './folder.ts'

/** The test app (test/lab/app/app.js) on the machine's own Node. */
export const APP_IMAGE = 'reveille-test/app:1'
/** 2 MB: answers `GET /` with "hello" on its PORT (8000). */
export const HELLO_IMAGE = 'reveille-test/hello:1'
/** The test app with a HEALTHCHECK that asks its /health. */
export const HEALTH_IMAGE = 'reveille-test/health:1'

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const NODE_IMAGE = file('../../cli/setup/node-image.sh')
const IMPORT_IMAGE = file('../../cli/setup/import-image.sh')

/** Gives the engine the test images, made of files of this machine: no network, no registry. Returns their names. */
export async function loadImages(url: string): Promise<string[]> {
  const app = file('./app/app.js')
  const check =
    'HEALTHCHECK --interval=1s --timeout=2s CMD ["/bin/busybox","wget","-q","-O","-","http://127.0.0.1:8000/health"]'
  await Promise.all([
    command('bash', NODE_IMAGE, url, APP_IMAGE, app),
    command('bash', NODE_IMAGE, url, HEALTH_IMAGE, app, check),
    loadHello(url),
  ])
  return [APP_IMAGE, HEALTH_IMAGE, HELLO_IMAGE]
}

/** busybox ignores SIGTERM as the first process of a container: it needs the engine's init, which we always ask for. */
async function loadHello(url: string): Promise<void> {
  const root = await temporaryFolder()
  await Promise.all(['bin', 'www'].map((name) => mkdir(join(root, name))))
  const busybox = (await command('sh', '-c', 'command -v busybox')).trim()
  await copyFile(busybox, join(root, 'bin/busybox'))
  await writeFile(join(root, 'www/index.html'), 'hello\n')
  const serve = 'exec /bin/busybox httpd -f -p "${PORT:-8000}" -h /www'
  const cmd = `CMD ${JSON.stringify(['/bin/busybox', 'sh', '-c', serve])}`
  await command('bash', IMPORT_IMAGE, url, HELLO_IMAGE, root, 'EXPOSE 8000', cmd)
}

/** Gives an engine these images of another one; both are sockets of this machine. */
export async function copyImages(names: string[], from: string, to: string): Promise<void> {
  const query = names.map((name) => `names=${name}`).join('&')
  const socket = (url: string) => `--unix-socket ${url.replace('unix://', '')}`
  const get = `curl -sSf ${socket(from)} 'http://docker/images/get?${query}'`
  const load = `curl -sSf ${socket(to)} -T - -X POST http://docker/images/load`
  await command('bash', '-c', `set -eo pipefail; ${get} | ${load}`)
}
