import { describe, expect, it } from 'vitest'
import type { ForeignContainer } from '../../../model/container.ts'
import { isAppName } from '../../../model/name.ts'
import { besides, candidatesOf, isWanted, poolOf } from '../../../registrar/discovery/candidate.ts'
import { hostile } from '../../hostile/corpus.ts'

const container = (fields: Partial<ForeignContainer>): ForeignContainer => ({
  id: 'c',
  image: 'foo/bar',
  labels: {},
  published: {},
  addresses: ['172.17.0.2'],
  ...fields,
})

describe('the pool of an image', () => {
  it.each([
    ['foo/bar', 'foo-bar', '/foo/bar'],
    ['foo/bar:1.2', 'foo-bar', '/foo/bar'],
    ['registry.example:5000/foo/bar:latest', 'foo-bar', '/foo/bar'],
    ['localhost/foo/bar', 'foo-bar', '/foo/bar'],
    [`foo/bar@sha256:${'a'.repeat(64)}`, 'foo-bar', '/foo/bar'],
    ['whoami', 'whoami', '/whoami'],
    ['a/b/c', 'a-b-c', '/a/b/c'],
  ])('of %s is %s at %s', (image, name, path) => {
    expect(poolOf(image, '')).toEqual({ name, routes: [path] })
  })

  it('has a name no other image has', () => {
    const images = [
      'foo/bar',
      'foo-bar',
      'foo.bar',
      'foo_bar',
      'foo__bar',
      'crccheck/hello-world',
      'crccheck-hello/world',
    ]
    const names = images.map((image) => poolOf(image, '')?.name ?? '')
    expect(new Set(names).size).toBe(images.length)
    for (const name of names) expect(isAppName(name), name).toBe(true)
    expect(names).toContainEqual(expect.stringMatching(/^crccheck-hello-world-[0-9a-f]{8}$/))
    const long = poolOf(`${'x'.repeat(100)}/${'y'.repeat(20)}`, '')
    expect(isAppName(long?.name ?? '')).toBe(true)
  })

  it('has a host name below a domain, of the last part, where that can be one', () => {
    expect(poolOf('foo/bar', 'api.example.com')?.routes).toEqual([
      '/foo/bar',
      'bar.api.example.com',
    ])
    expect(poolOf('foo/b_r', 'api.example.com')?.routes).toEqual(['/foo/b_r'])
  })

  it.each([
    'sha256:abc',
    'a'.repeat(64) + '/',
    '',
    'a/b/c/d',
    '../x',
    'FOO/bar',
    'foo bar',
    'foo//bar',
  ])('is none for %j', (image) => expect(poolOf(image, '')).toBeNull())

  it.each(hostile('image.ref'))('$value: $why', ({ value }) => {
    const pool = poolOf(value, 'api.example.com')
    if (!pool) return
    expect(isAppName(pool.name)).toBe(true)
    for (const route of pool.routes) expect(route).toMatch(/^[a-z0-9./_-]+$/)
  })
})

describe('a container', () => {
  it('is reached where its port is published, else on its bridge', () => {
    const published = { '8000': { host: '0.0.0.0', port: 32_768 } }
    expect(candidatesOf(container({ published }), [8000, 80], '10.0.0.5')).toEqual([
      { host: '10.0.0.5', port: 32_768 },
      { host: '172.17.0.2', port: 80 },
    ])
    const local = { '80': { host: '127.0.0.1', port: 9000 } }
    expect(candidatesOf(container({ published: local }), [80], '10.0.0.5')).toEqual([
      { host: '172.17.0.2', port: 80 },
    ])
    expect(candidatesOf(container({ addresses: [] }), [80], '10.0.0.5')).toEqual([])
    expect(candidatesOf(container({ addresses: ['x;}'] }), [80], '')).toEqual([])
  })

  it('is wanted as its label says', () => {
    const labelled = (value: string) => container({ labels: { 'reveille.discover': value } })
    expect(isWanted(container({}), 'image')).toBe(true)
    expect(isWanted(labelled('false'), 'image')).toBe(false)
    expect(isWanted(container({}), 'label')).toBe(false)
    expect(isWanted(labelled('true'), 'label')).toBe(true)
    for (const value of ['', 'yes', '1', 'true\n', 'TRUE'])
      expect(isWanted(labelled(value), 'label'), value).toBe(false)
  })
})

describe('beside apps that are stored', () => {
  const apps = new Map([
    ['shop', 'path'],
    ['my_shop', 'path'],
    ['db', 'none'],
  ] as const)
  const left = (image: string, pathPrefix = '') => {
    const found = poolOf(image, 'api.example.com')
    return (
      found &&
      besides(found, pathPrefix, (name) => {
        const route = apps.get(name as 'shop')
        return route && { route }
      })?.routes
    )
  }

  it.each([
    ['evil.example/shop', undefined],
    ['db', undefined],
    // called my-shop-<hash>
    ['my_shop', []],
    ['shop/login', ['login.api.example.com']],
    ['evil/shop', ['/evil/shop']],
    ['evil/db', ['/evil/db', 'db.api.example.com']],
    ['shopping', ['/shopping', 'shopping.api.example.com']],
  ])('%s has %j', (image, routes) => expect(left(image)).toEqual(routes))

  it('names may be below a prefix', () => {
    expect(left('apps/shop', '/apps')).toEqual([])
    expect(left('apps/web', '/apps')).toEqual(['/apps/web', 'web.api.example.com'])
    expect(left('shop/login', '/apps')).toEqual(['/shop/login', 'login.api.example.com'])
  })
})
