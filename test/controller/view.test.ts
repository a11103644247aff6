import { expect, it } from 'vitest'
import { View } from '../../controller/view.ts'
import { parseNetwork } from '../../model/address.ts'
import { Keys } from '../../model/key.ts'
import { PLAIN } from '../../model/reading.ts'
import { formatRoute } from '../../model/route.ts'

const network = parseNetwork('10.9.0.0/16')
const open = () =>
  new View({
    keys: new Keys(),
    policy: { networks: network ? [network] : [], denied: new Set() },
    surroundings: {
      ...{ launchers: [], listen: '0.0.0.0:8080', activity: '127.0.0.1:8094', holdTimeout: 60 },
      ...{
        reading: PLAIN,
        sign: null,
        accessLog: 'off',
        silentSockets: 3600,
        live: '',
        folder: '/run/x',
        user: 'www-data',
      },
      ...{ connections: 1024, files: 2048 },
    },
    leaseTtl: 10,
    memory: { recall: async () => null, keep: () => {}, stop: async () => {} },
  })

let revision = 1
const put = (view: View, key: string, value: object | string) => {
  revision += 1
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const entry = { key, value: text, lease: '0' }
  const at = { modRevision: String(revision), createRevision: String(revision) }
  return view.take([{ type: 'put', entry: { ...entry, ...at } }], String(revision))
}
const drop = (view: View, key: string) => {
  revision += 1
  return view.take([{ type: 'delete', key, seen: true }], String(revision))
}
const routesOf = (view: View): string[] =>
  view.plans.whole().routes.map((route) => `${formatRoute(route)} ${route.app}`)

it('gives a route to the next one once the record that had it is gone or says otherwise', () => {
  const view = open()
  for (const name of ['a', 'b', 'c'])
    put(view, `/services/apps/${name}`, { name, image: 'x', routes: ['/r'] })
  expect(routesOf(view)).toEqual(['/r a'])
  expect(view.rejected().lost.map(({ key }) => key)).toEqual([
    '/services/apps/b',
    '/services/apps/c',
  ])
  put(view, '/services/clusters/b', '10.9.0.1:80')
  expect(routesOf(view)).toEqual(['/r a'])
  drop(view, '/services/apps/a')
  expect(routesOf(view)).toEqual(['/r b'])
  put(view, '/services/pools/d', { name: 'd', routes: ['/s'] })
  expect(routesOf(view)).toEqual(['/r b', '/s d'])
  expect(view.rejected().lost.map(({ key }) => key)).toEqual(['/services/apps/c'])
})

it('has the routes of the apps that a blueprint makes, for as long as they run', () => {
  const view = open()
  const app = { image: 'x', routes: ['{{name}}.example.com'] }
  put(view, '/services/blueprints/any', { name: 'any', pattern: '^s[a-z]$', app })
  expect(routesOf(view)).toEqual([])
  put(view, '/services/clusters/sa', '10.9.0.1:80')
  expect(routesOf(view)).toEqual(['sa.example.com sa'])
  put(view, '/services/clusters/sb', '10.9.0.2:80')
  drop(view, '/services/clusters/sa')
  expect(routesOf(view)).toEqual(['sb.example.com sb'])
  drop(view, '/services/blueprints/any')
  expect(routesOf(view)).toEqual([])
})

it('tells when an instance leaves its address, and of nothing else', () => {
  const view = open()
  const [claim, instance] = ['/services/claims/a/0', '/services/clusters/a']
  expect(put(view, claim, { owner: 'x', host: 'h' }).vacated).toBe(false)
  expect(put(view, instance, '10.9.0.1:80').vacated).toBe(false)
  expect(put(view, instance, '10.9.0.1:80').vacated).toBe(false)
  expect(drop(view, claim).vacated).toBe(false)
  expect(put(view, instance, '10.9.0.1:81').vacated).toBe(true)
  expect(drop(view, instance).vacated).toBe(true)
  expect(drop(view, instance).vacated).toBe(false)
})
