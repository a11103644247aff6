import { describe, expect, it } from 'vitest'
import { App } from '../../model/app.ts'
import { Blueprint, expand } from '../../model/blueprint.ts'
import {
  compareRoutes,
  formatRoute,
  isHostName,
  isPlainPath,
  parseRoute,
  type Route,
} from '../../model/route.ts'
import { hostile } from '../hostile/corpus.ts'

const appOf = (routes: unknown) => App.safeParse({ name: 'a', image: 'a', routes })

describe('a route', () => {
  it.each<[string, Route, string?]>([
    ['shop.example.com', { host: 'shop.example.com', path: '', exact: false }],
    ['localhost/a', { host: 'localhost', path: '/a', exact: false }],
    ['10.9.0.1', { host: '10.9.0.1', path: '', exact: false }],
    ['shop.example.com/', { host: 'shop.example.com', path: '', exact: false }, 'shop.example.com'],
    ['/foo/bar', { host: '', path: '/foo/bar', exact: false }],
    ['/Foo/Bar.v1/', { host: '', path: '/foo/bar.v1', exact: false }, '/foo/bar.v1'],
    ['shop.example.com/api', { host: 'shop.example.com', path: '/api', exact: false }],
    ['=/api/student', { host: '', path: '/api/student', exact: true }],
    ['=/api/student/', { host: '', path: '/api/student', exact: true }, '=/api/student'],
    ['=shop.example.com', { host: 'shop.example.com', path: '', exact: true }],
    ['=/', { host: '', path: '', exact: true }],
    ['/', { host: '', path: '', exact: false }],
  ])('%s is read, and written in one way', (text, route, one = text) => {
    expect(parseRoute(text)).toEqual(route)
    expect(formatRoute(route)).toBe(one)
    expect(parseRoute(one)).toEqual(route)
  })

  it.each([
    ...[
      '',
      '=',
      ' ',
      'foo/bar',
      'none',
      'path',
      'Shop.example.com',
      '-a.example.com',
      'a..b',
      '.a',
    ],
    ...[
      'a_b.example.com',
      'shop.example.com.',
      'shop.example.com:80',
      '*.example.com',
      'ü.example',
    ],
    ...[
      '//a',
      '/a//b',
      '/a/b/c/d',
      '/.',
      '/..',
      '/a/..',
      '/a/../b',
      '/_reveille',
      '/a%2Fb',
      '/a b',
    ],
    ...['/a?b', '/a#b', '/a;b', '/$host', '/~^.*$', '/"', '/{', '/a\n', '/a\r', '/a\0', '/\u0455'],
    ...['==/a', '=~/a', 'http://a.example/', `/${'a'.repeat(129)}`, `${'a.'.repeat(100)}example`],
  ])('%j is none', (text) => {
    expect(parseRoute(text)).toBeNull()
    expect(appOf([text]).success).toBe(false)
  })

  it.each([...hostile('app.name'), ...hostile('request.path')])(
    'of the hostile $value ($why) is none, or nothing but host and plain segments',
    ({ value }) => {
      for (const text of [value, `/${value}`, `${value}.example.com`, `a.example.com/${value}`]) {
        const route = parseRoute(text)
        if (!route) continue
        expect(route.host === '' || isHostName(route.host)).toBe(true)
        expect(route.path === '' || isPlainPath(route.path)).toBe(true)
        expect(formatRoute(route)).toMatch(/^=?[a-z0-9./_-]+$/)
      }
    },
  )

  it('is ordered by how specific it is', () => {
    const texts = ['=a.example', 'a.example/a/b', 'a.example/z', 'b.example/a', 'a.example']
    const order = [...texts, '=/a', '/a/b/c', '/a/b', '/a', '/b', '/']
    const shuffled = [...order].sort().map((text) => parseRoute(text) as Route)
    expect(shuffled.sort(compareRoutes).map(formatRoute)).toEqual(order)
  })
})

describe('the routes of an App', () => {
  it('are none unless given, 16 at most, and distinct whatever their spelling', () => {
    expect(App.parse({ name: 'a', image: 'a' }).routes).toEqual([])
    expect(appOf(Array.from({ length: 16 }, (_, i) => `/${i}`)).success).toBe(true)
    expect(appOf(Array.from({ length: 17 }, (_, i) => `/${i}`)).success).toBe(false)
    expect(appOf(['/a', '/A']).success).toBe(false)
    expect(appOf(['/a', '/a/']).success).toBe(false)
    expect(appOf(['/a', '=/a']).success).toBe(true)
    for (const wrong of ['/a', null, [1], [null], [['/a']], { 0: '/a' }])
      expect(appOf(wrong).success, JSON.stringify(wrong)).toBe(false)
  })

  it('may have the name in them where a blueprint gives them', () => {
    const blueprint = (routes: string[]) =>
      Blueprint.safeParse({ name: 'b', pattern: '^[a-zA-Z_-]+$', app: { image: 'a', routes } })
    const one = blueprint(['{{name}}.example.com', '/apps/{{name}}']).data as Blueprint
    expect(expand(one, 'Shop')?.routes).toEqual(['shop.example.com', '/apps/shop'])
    // a name that makes no host makes no app
    expect(expand(one, 'a_b')).toBeNull()
    for (const wrong of ['{{name}}', '{{other}}.example.com', '/{{name', '/{{name}}//'])
      expect(blueprint([wrong]).success, wrong).toBe(false)
  })
})
