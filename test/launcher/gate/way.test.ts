import { describe, expect, it } from 'vitest'
import { isSignedCookie, signName } from '../../../adapters/cookie.ts'
import { askOf } from '../../../launcher/gate/request.ts'
import { admits, leads, wayOf } from '../../../launcher/gate/way.ts'
import { App } from '../../../model/app.ts'

const KEY = 'a-key-of-more-than-sixteen-bytes'
const textOf = (words: Record<string, string>) => (name: string) =>
  Object.hasOwn(words, name) ? (words[name] ?? '') : ''

describe('the way a request came', () => {
  it('is by its name where the gateway says nothing', () => {
    expect(askOf(textOf({ app: 'Shop', method: 'GET' }))).toMatchObject({
      ...{ app: 'Shop', way: 'name', prefix: '/Shop', proof: '', redirects: false },
    })
  })

  it('is what the gateway says, and nothing else', () => {
    expect(wayOf(textOf({ way: 'route', prefix: '/foo/bar' }))).toEqual({
      ...{ way: 'route', prefix: '/foo/bar', proof: '', redirects: false },
    })
    expect(wayOf(textOf({ way: 'claim', proof: 'x.1', answer: 'redirect' }))).toEqual({
      ...{ way: 'claim', prefix: '', proof: 'x.1', redirects: true },
    })
    for (const way of ['', 'Route', 'anything', '__proto__'])
      expect(wayOf(textOf({ way })).way).toBe('name')
    for (const prefix of ['foo', '/a b', '/a;b', '/a\n', '//', '/a/b/c/d/e', `/${'a'.repeat(129)}`])
      expect(wayOf(textOf({ way: 'route', prefix })).prefix, prefix).toBe('')
  })

  it('leads to an app without a route by its name only where it has routes', () => {
    const app = (more: object) => App.parse({ name: 'a', image: 'a', ...more })
    expect(leads(app({}), 'name')).toBe(true)
    expect(leads(app({}), 'cookie')).toBe(true)
    expect(leads(app({ route: 'none' }), 'route')).toBe(false)
    const routed = app({ route: 'none', routes: ['/a'] })
    expect(leads(routed, 'route')).toBe(true)
    for (const way of ['name', 'cookie', 'claim'] as const) expect(leads(routed, way)).toBe(false)
  })
})

describe('a cookie that names an app', () => {
  const came = (way: 'name' | 'cookie' | 'claim', proof: string, app: string) => ({
    ...{ app, way, proof, prefix: '', redirects: false },
  })
  const proves = (app: string, cookie: string) => isSignedCookie(KEY, app, cookie)
  const good = `shop.${signName(KEY, 'shop')}`

  it('counts with its signature, whatever the case', () => {
    for (const proof of [good, good.toUpperCase(), `Shop.${signName(KEY, 'SHOP')}`])
      for (const way of ['cookie', 'claim'] as const)
        expect(admits(came(way, proof, 'Shop'), proves), proof).toBe(true)
  })

  it.each([
    ['', 'shop'],
    ['shop', 'shop'],
    [good, 'other'],
    [good.slice(0, -1), 'shop'],
    [`${good}0`, 'shop'],
    [`${good}\n`, 'shop'],
    [`shop.${signName(KEY, 'other')}`, 'shop'],
    [`shop.${signName('another-key-of-some-length', 'shop')}`, 'shop'],
    [`shop.${'x'.repeat(100_000)}`, 'shop'],
    [`shop.${'\u{1f600}'.repeat(16)}`, 'shop'],
  ])('counts not with %j for %s', (proof, app) => {
    expect(admits(came('claim', proof, app), proves)).toBe(false)
    // nor where a gateway without the key took it for good
    expect(admits(came('cookie', proof, app), proves)).toBe(false)
  })

  it('is believed by a launcher without a key only where its gateway has none', () => {
    expect(admits(came('cookie', 'shop', 'shop'), null)).toBe(true)
    expect(admits(came('claim', good, 'shop'), null)).toBe(false)
    expect(admits(came('name', '', 'shop'), proves)).toBe(true)
  })
})
