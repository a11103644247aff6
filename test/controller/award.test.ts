import { describe, expect, it } from 'vitest'
import { award, ownersOf } from '../../controller/award.ts'
import { parseNetwork } from '../../model/address.ts'
import { Directory } from '../../model/directory.ts'
import { Keys } from '../../model/key.ts'
import { formatRoute } from '../../model/route.ts'
import { State } from '../../model/state.ts'

type Line = [key: string, value: object | string, createRevision: string, lease?: string]
const app = (name: string, routes: string[], created: string, more = {}): Line => [
  `/services/apps/${name}`,
  { name, image: 'x:1', routes, ...more },
  created,
]

function awardOf(lines: Line[]) {
  const network = parseNetwork('10.9.0.0/16')
  const state = new State(new Keys(), { networks: network ? [network] : [], denied: new Set() })
  for (const [key, value, createRevision, lease = '0'] of lines) {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    expect(state.put({ key, value: text, modRevision: '1', createRevision, lease })).toBeNull()
  }
  const { routes, lost } = award(ownersOf(state, new Directory(state)))
  return { routes: routes.map((route) => [formatRoute(route), route.app]), lost }
}

describe('routes', () => {
  it('lead to their apps, the most specific first, whether these run or not', () => {
    const lines = [app('Shop', ['/', 'shop.example.com'], '2'), app('b', ['/foo/bar', '=/x'], '1')]
    const expected = [
      ['shop.example.com', 'shop'],
      ['=/x', 'b'],
      ['/foo/bar', 'b'],
      ['/', 'shop'],
    ]
    expect(awardOf(lines)).toEqual({ routes: expected, lost: [] })
    expect(awardOf([...lines].reverse())).toEqual({ routes: expected, lost: [] })
  })

  it('that two want are those of the older record, and the other is named with all it lost', () => {
    const lines = [
      app('young', ['/a', '/Foo/', 'x.example'], '12'),
      app('old', ['/foo', '/a', '/b'], '9'),
    ]
    const lost = [
      {
        key: '/services/apps/young',
        reason: 'not its routes: /a belongs to old, /foo belongs to old',
      },
    ]
    const routes = [
      ['x.example', 'young'],
      ['/a', 'old'],
      ['/b', 'old'],
      ['/foo', 'old'],
    ]
    expect(awardOf(lines)).toEqual({ routes, lost })
    expect(awardOf([...lines].reverse())).toEqual({ routes, lost })
  })

  it('may be those of a pool', () => {
    const pool: Line = ['/services/pools/api', { name: 'api', routes: ['=/api/x', '/a'] }, '8']
    expect(awardOf([pool, app('a', ['/a'], '9')])).toEqual({
      routes: [
        ['=/api/x', 'api'],
        ['/a', 'api'],
      ],
      lost: [{ key: '/services/apps/a', reason: 'not its routes: /a belongs to api' }],
    })
  })

  it('of an app are not for a pool that a process keeps, and these not for what a blueprint makes', () => {
    const routes = ['/{{name}}/x']
    const lines: Line[] = [
      [
        '/services/blueprints/any',
        { name: 'any', pattern: '^a[a-z]+$', app: { image: 'x', routes } },
        '1',
      ],
      ['/services/clusters/ab', '10.9.0.2:80', '2'],
      ['/services/pools/found', { name: 'found', routes: ['/foo/bar', '/ab/x'] }, '3', '77'],
      app('a', ['/foo/bar'], '9'),
    ]
    expect(awardOf(lines).routes).toEqual([
      ['/ab/x', 'found'],
      ['/foo/bar', 'a'],
    ])
    expect(awardOf(lines).lost.map(({ reason }) => reason)).toEqual([
      'not its routes: /foo/bar belongs to a',
      'not its routes: /ab/x belongs to found',
    ])
  })

  it('of an app that is stored are not for one that a visitor had a blueprint make', () => {
    const routes = ['{{name}}.example.com']
    const lines: Line[] = [
      [
        '/services/blueprints/any',
        { name: 'any', pattern: '^a[a-z]+$', app: { image: 'x', routes } },
        '3',
      ],
      ['/services/clusters/admin', '10.9.0.2:80', '9'],
      app('desk', ['admin.example.com'], '4'),
    ]
    expect(awardOf(lines)).toEqual({
      routes: [['admin.example.com', 'desk']],
      lost: [
        {
          key: '/services/blueprints/any',
          reason: 'not its routes: admin.example.com belongs to desk',
        },
      ],
    })
  })

  it('of a blueprint are those of its apps that run, which contest among themselves by name', () => {
    const routes = ['{{name}}.example.com', '/all']
    const lines: Line[] = [
      [
        '/services/blueprints/any',
        { name: 'any', pattern: '^s[a-z]$', app: { image: 'x', routes } },
        '3',
      ],
      ['/services/clusters/sb', '10.9.0.2:80', '4'],
      ['/services/clusters/sa', '10.9.0.3:80', '5'],
      ['/services/clusters/other', '10.9.0.4:80', '6'],
    ]
    expect(awardOf(lines)).toEqual({
      routes: [
        ['sa.example.com', 'sa'],
        ['sb.example.com', 'sb'],
        ['/all', 'sa'],
      ],
      lost: [{ key: '/services/blueprints/any', reason: 'not its routes: /all belongs to sa' }],
    })
  })
})
