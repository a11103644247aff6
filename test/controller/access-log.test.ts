import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../system/client.ts'
import { type Backend, startBackend } from '../templates/backend.ts'
import { type LabController, startControllerLab } from './gateway.ts'

const soon = <T>(look: () => T) => expect.poll(look, { timeout: 20_000, interval: 50 })

let lab: LabController
let web: Backend
beforeAll(async () => {
  web = await startBackend('web')
  lab = await startControllerLab((folder) => ({ accessLog: join(folder, 'access.log') }))
  await lab.put('web', web.address)
})
afterAll(async () => {
  await lab.stop()
  await web.stop()
})

describe('the access log', () => {
  it('has a line of JSON for each request, with who asked and which server answered', async () => {
    const path = `/web/log?"'\\${encodeURIComponent('\n')}`
    await soon(async () => (await ask(lab.origin, path)).status).toBe(200)
    await soon(async () => (await ask(lab.origin, '/nobody/')).status).toBe(503)
    const lines = async () =>
      (await readFile(lab.settings.accessLog, 'utf8'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    const find = async (start: string) =>
      (await lines()).findLast(({ request }) => String(request).startsWith(start))
    await soon(() => find('GET /web/log')).toMatchObject({
      client: '127.0.0.1',
      request: `GET ${path} HTTP/1.1`,
      status: 200,
      upstream_addr: web.address,
    })
    await soon(() => find('GET /nobody/')).toMatchObject({ upstream_addr: '' })
    expect(await find('GET /_reveille/')).toBeUndefined() // the controller's own
  })

  it("is nginx's: a controller of an HAProxy that is told of one does not start", async () => {
    const start = startControllerLab(() => ({ proxy: 'haproxy', accessLog: 'syslog' }), lab)
    await expect(start).rejects.toThrow('--access-log needs nginx')
  })
})
