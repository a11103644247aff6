import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GatewayPlan } from '../../controller/plan.ts'
import { isAppName } from '../../model/name.ts'
import { hostile } from '../hostile/corpus.ts'
import { type LabLauncher, startLauncher } from '../lab/launcher.ts'
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
  launcher.script = ({ app }) => (app === 'cold' ? { upstream: shop.address } : 'unknown')
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
    expect((await ask(gateway.origin, '/nobody/')).status).not.toBe(200)
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
