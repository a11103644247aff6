import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { nearest, reachable } from '../../controller/address.ts'
import type { GatewayPlanInput } from '../../controller/plan.ts'
import { quoteHaproxy, quoteNginx } from '../../controller/quote.ts'
import { compile, generationOf } from '../../controller/render.ts'
import { isAppName } from '../../model/name.ts'
import { hostile } from '../hostile/corpus.ts'
import { TEMPLATE } from '../templates/gateway.ts'

const plan: GatewayPlanInput = {
  generation: 7,
  apps: [{ name: 'shop', endpoints: ['10.9.0.5:8000'] }],
  launchers: ['10.9.0.1:8090'],
  listen: '0.0.0.0:8080',
  activity: '127.0.0.1:8094',
  holdTimeout: 60,
  folder: '/run/reveille/nginx',
  user: 'www-data',
  connections: 1024,
  files: 2048,
}

describe('quote', () => {
  it('makes one word of any text nginx can hold', () => {
    expect(quoteNginx('/shop')).toBe('"/shop"')
    expect(quoteNginx('a;} server { # "x" \\')).toBe('"a;} server { # \\"x\\" \\\\"')
    expect(quoteNginx(7)).toBe('"7"')
  })

  it('refuses what no quotes can hold', () => {
    for (const value of ['$host', '${x}', 'a\nb', 'a\rb', 'a\0b', undefined, {}, ['a']])
      expect(() => quoteNginx(value)).toThrow(/refused|cannot be written/)
  })

  it('is for HAProxy what addresses, names and paths are made of, and nothing else', () => {
    for (const fine of ['shop', '/foo/bar', '[fd00::1]:80', 'bar.api.example.com', 'a|/b', 7])
      expect(quoteHaproxy(fine)).toBe(`'${fine}'`)
    const others = [
      "a'b",
      'a"b',
      'a b',
      'a\nb',
      'a%b',
      'a,b',
      'a)b',
      'a\\b',
      'a$b',
      'a#b',
      '-m',
      null,
      {},
    ]
    for (const value of others)
      expect(() => quoteHaproxy(value)).toThrow(/refused|cannot be written/)
  })
})

describe('a template', () => {
  it('is given the plan, and the generation can be read back', async () => {
    const text = compile(await readFile(TEMPLATE, 'utf8'))(plan)
    expect(text).toContain('"/shop" "app_shop";')
    expect(generationOf(text)).toBe(7)
    expect(generationOf('anything else')).toBe(0)
  })

  it('is never given a name or an address that is not one, whoever made the plan', async () => {
    const render = compile(await readFile(TEMPLATE, 'utf8'))
    for (const { value } of hostile('app.name').filter(({ value }) => !isAppName(value)))
      expect(() =>
        render({ ...plan, apps: [{ name: value, endpoints: ['10.9.0.5:80'] }] }),
      ).toThrow()
    for (const { value, expect: law } of hostile('etcd.value'))
      if (law === 'ignore-entry' && !/^(?:[0-9.]+|\[[0-9a-f:]+\]):[1-9][0-9]*$/.test(value))
        expect(() => render({ ...plan, apps: [{ name: 'a', endpoints: [value] }] })).toThrow()
    expect(() => render({ ...plan, folder: '/run/x"; include /etc/passwd' })).toThrow()
    expect(() => render({ ...plan, user: 'root; load_module x' })).toThrow()
  })

  it('that asks for a field that is not there says so in one line', () => {
    expect(() => compile('{{ plan.nothing }}')(plan)).toThrow(/^template: [^\n]+$/)
    expect(() => compile('{% for %}')).toThrow(/^template: [^\n]+$/)
  })
})

describe('an address to listen at', () => {
  it('is reached nearby under its own or the loopback address', () => {
    expect(nearest('0.0.0.0:8080')).toBe('127.0.0.1:8080')
    expect(nearest('[::]:8080')).toBe('[::1]:8080')
    expect(nearest('10.0.0.1:80')).toBe('10.0.0.1:80')
  })

  it('is reached from outside under every address of the machine', () => {
    expect(reachable('0.0.0.0:80', ['127.0.0.1', 'fd00::1'])).toEqual([
      '127.0.0.1:80',
      '[fd00::1]:80',
    ])
    expect(reachable('10.0.0.1:80', ['127.0.0.1'])).toEqual(['10.0.0.1:80'])
  })
})
