import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Etcd3 } from 'etcd3'
import { temporaryFolder } from '../test/lab/folder.ts'
import { startNginx } from '../test/lab/nginx.ts'
import { freePort } from '../test/lab/port.ts'

/**
 * What somebody would write by hand: a watch on `/floor/` of an etcd, an include file of Nginx with a location for each
 * key, and a SIGHUP. Nothing is checked.
 */
export async function startFloor(url: string): Promise<{ origin: string; stop(): Promise<void> }> {
  const folder = await temporaryFolder()
  const port = await freePort()
  mkdirSync(join(folder, 'logs'))
  const routes = join(folder, 'routes.inc')
  const config = join(folder, 'nginx.conf')
  writeFileSync(routes, '')
  writeFileSync(
    config,
    `pid nginx.pid; error_log logs/error.log; worker_processes 2; events { worker_connections 1024; }
http { access_log off; server { listen 127.0.0.1:${port}; include ${routes}; location / { return 404; } } }\n`,
  )
  const nginx = await startNginx(config)
  const etcd = new Etcd3({ hosts: url })
  const known = new Map<string, string>()
  const watcher = await etcd.watch().prefix('/floor/').create()
  const apply = (): void => {
    const text = [...known].map(([name, at]) => `location /${name}/ { proxy_pass http://${at}/; }`)
    writeFileSync(`${routes}.new`, `${text.join('\n')}\n`)
    renameSync(`${routes}.new`, routes)
    process.kill(nginx.pid, 'SIGHUP')
  }
  const nameOf = (key: Buffer): string => key.toString().slice('/floor/'.length)
  watcher.on('put', ({ key, value }) => {
    known.set(nameOf(key), value.toString())
    apply()
  })
  watcher.on('delete', ({ key }) => {
    known.delete(nameOf(key))
    apply()
  })
  return {
    origin: `http://127.0.0.1:${port}`,
    stop: async () => {
      await watcher.cancel()
      etcd.close()
      await nginx.stop()
    },
  }
}
