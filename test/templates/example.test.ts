import { createSocket } from 'node:dgram'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GatewayPlan } from '../../controller/plan.ts'
import { isAppName } from '../../model/name.ts'
import { hostile } from '../hostile/corpus.ts'
import { type LabLauncher, startLauncher } from '../lab/launcher.ts'
import { freePort } from '../lab/port.ts'
import { ask } from '../system/client.ts'
import { type Backend, type Seen, startBackend } from './backend.ts'
import { type LabGateway, startGateway } from './gateway.ts'

const ROOT = join(import.meta.dirname, '../..')
const EXAMPLE = join(ROOT, 'examples/template/nginx.conf.njk')
/** names that are legal and yet look like words of nginx */
const names = [
  ...new Set(
    ['default', 'include', 'hostnames', 'volatile', 'launcher', 'app_launcher'.replace('_', '-')]
      .concat(hostile('app.name').map(({ value }) => value.toLowerCase()))
      .filter(isAppName),
  ),
]

let launcher: LabLauncher
let shop: Backend
const gateways: LabGateway[] = []

beforeAll(async () => {
  ;[launcher, shop] = await Promise.all([startLauncher(), startBackend('shop')])
  launcher.script = ({ app }) => {
    if (app === 'cold') return { upstream: shop.address }
    if (app === 'failing') return { page: { kind: 'problem' } }
    return app === 'lie' ? { upstream: `localhost:${shop.address.split(':')[1]}` } : 'unknown'
  }
})
afterAll(async () => {
  for (const gateway of gateways) await gateway.stop()
  await Promise.all([launcher.stop(), shop.stop()])
})

describe.each([
  ['built-in', undefined],
  ['example', EXAMPLE],
])('the %s template', (_, template) => {
  it('routes every legal name, wakes what is cold, and answers its generation', async () => {
    const gateway = await startGateway(
      {
        generation: 42,
        launchers: [launcher.address],
        apps: names.map((name) => ({ name, endpoints: [shop.address] })),
      },
      template,
    )
    gateways.push(gateway)
    for (const name of [...names, 'cold']) {
      const { status, text } = await ask(gateway.origin, `/${name}/a%2Fb?x=1`)
      expect(status, name).toBe(200)
      expect(JSON.parse(text) as Seen).toMatchObject({
        url: '/a%2Fb?x=1',
        headers: { 'x-forwarded-prefix': `/${name}` },
      })
    }
    expect((await ask(gateway.origin, '/_reveille/generation')).text).toBe('42')
    expect((await ask(gateway.origin, '/nobody/')).status).toBe(404)
    expect((await ask(gateway.origin, '/failing/')).status).toBe(503)
    expect((await ask(gateway.origin, '/lie/')).status).toBeGreaterThanOrEqual(500)
  })

  it('reports use, at most once per app and second', async () => {
    const port = await freePort()
    const lines: string[] = []
    const socket = createSocket('udp4')
    socket.on('message', (message) => lines.push(message.toString()))
    await new Promise<void>((resolve) => socket.bind(port, '127.0.0.1', resolve))
    const apps = ['one', 'two'].map((name) => ({ name, endpoints: [shop.address] }))
    const gateway = await startGateway({ apps, activity: `127.0.0.1:${port}` }, template)
    gateways.push(gateway)
    const started = performance.now()
    for (let i = 0; i < 40; i++)
      for (const { name } of apps) expect((await ask(gateway.origin, `/${name}/`)).status).toBe(200)
    await expect.poll(() => lines.length).toBeGreaterThanOrEqual(2)
    const most = 2 * (1 + Math.ceil((performance.now() - started) / 1000))
    socket.close()
    expect(lines.length).toBeLessThanOrEqual(most)
    expect(new Set(lines.map((line) => line.split(' ').at(-1)))).toEqual(
      new Set(['app_one', 'app_two']),
    )
  })

  it('makes a configuration without any app or launcher', async () => {
    const gateway = await startGateway({}, template)
    gateways.push(gateway)
    expect((await ask(gateway.origin, '/cold/')).status).toBe(503)
  })
})

describe('docs/template.md', () => {
  it('names every field of a plan', async () => {
    const text = await readFile(join(ROOT, 'docs/template.md'), 'utf8')
    for (const field of Object.keys(GatewayPlan.shape)) expect(text).toContain(`plan.${field}`)
  })
})
