import { describe, expect, test, vi } from 'vitest'
import { Blueprint, expand } from '../../model/blueprint.ts'

const make = (pattern: string, app: object = {}): Blueprint =>
  Blueprint.parse({ name: 'b', pattern, app: { image: 'shop', ...app } })
const accepted = (pattern: string): boolean =>
  Blueprint.safeParse({ name: 'b', pattern, app: { image: 'shop' } }).success

describe('a pattern', () => {
  test.each([
    '^shop-[a-z0-9]+$',
    '^[A-Z]$',
    '^a{2,5}b?c*$',
    '^pr-[0-9]{1,4}$',
    '^[a-z][a-z0-9-]*$',
    '^x{2,}$',
    '^[a-z]+-[0-9]{4}-[a-z]{2,9}$',
    '^[a-z]{2,2}-[a-z]*-[0-9]+$',
  ])('may be %s', (pattern) => {
    expect(accepted(pattern)).toBe(true)
  })

  test.each([
    ...['', '^$', 'shop', '^shop', 'shop$', '^.*$', '^(a+)+$', '^(a|a)*$', '^(?:a*)*$', '^a**$'],
    ...[
      '^a+?$',
      '^a{1,2}{3}$',
      '^[a-z0-9_-]*[a-z0-9_-]*[a-z0-9_-]*Z$',
      '^[a-z]{0,63}[a-z]+[a-z]{2,}Z$',
      '^a?b?c?d?e?$',
      '^a{1000}$',
      '^\\w+$',
      '^[^a]$',
    ],
    ...[
      '^[z-a]$',
      '^a{5,2}$',
      '^a|b$',
      '^a$|^b$',
      '^a$\n',
      '^(?=a)a$',
      `^${'a'.repeat(200)}$`,
      '^[]$',
    ],
  ])('may not be %j', (pattern) => {
    expect(accepted(pattern)).toBe(false)
  })
})

describe('a blueprint', () => {
  test('makes an app of a name that fits, with the name filled in where it is asked for', () => {
    const blueprint = make('^shop-[a-z0-9]+$', {
      port: 80,
      env: { NAME: '{{name}}', TWICE: '{{name}}/{{name}}', PLAIN: '{{ name }} $&' },
      command: ['serve', '--name={{name}}'],
    })
    expect(expand(blueprint, 'shop-1')).toMatchObject({
      name: 'shop-1',
      image: 'shop',
      port: 80,
      env: { NAME: 'shop-1', TWICE: 'shop-1/shop-1', PLAIN: '{{ name }} $&' },
      command: ['serve', '--name=shop-1'],
      idleAfter: 300,
    })
  })

  test('gives one app to all cases of a name: lower, upper, then as typed', () => {
    expect(expand(make('^[a-z]$'), 'D')?.name).toBe('d')
    expect(expand(make('^[a-z]$'), 'd')?.name).toBe('d')
    expect(expand(make('^[A-Z]$'), 'd')?.name).toBe('D')
    expect(expand(make('^[A-Za-z]$'), 'D')?.name).toBe('d')
    expect(expand(make('^Shop-[a-z]+$'), 'Shop-a')?.name).toBe('Shop-a')
    expect(expand(make('^Shop-[a-z]+$'), 'shop-a')).toBeNull()
  })

  test.each(['', 'other', 'shop-', 'shop-a-', 'xshop-a', 'shop-a\n', 'shop-a/b', 'shop-ä'])(
    'gives %j nothing',
    (name) => {
      expect(expand(make('^shop-[a-z0-9-]*$'), name)).toBeNull()
    },
  )

  test('is compiled once, and tried once with each spelling', () => {
    const blueprint = make('^no-[a-z]+$')
    const attempt = vi.spyOn(RegExp.prototype, 'test')
    for (const name of ['some', 'SOME', 'Some']) expect(expand(blueprint, name)).toBeNull()
    const tried = attempt.mock.contexts.filter(
      (regex) => (regex as RegExp).source === blueprint.pattern,
    )
    vi.restoreAllMocks()
    expect(new Set(tried).size).toBe(1)
    expect(tried).toHaveLength(2 + 2 + 3)
  })

  test('gives nothing where the name makes a value too long', () => {
    const blueprint = make('^[a-z]+$', { env: { LONG: '{{name}}'.repeat(4000) } })
    expect(expand(blueprint, 'abc')).not.toBeNull()
    expect(expand(blueprint, 'a'.repeat(63))).toBeNull()
  })

  test('makes a whole stack for each name', () => {
    const blueprint = make('^customer-[a-z]+$', {
      group: '{{name}}',
      dependsOn: ['{{name}}-db', 'mail'],
      volumes: ['{{name}}-files:/files', 'shared:/shared:ro'],
    })
    expect(expand(blueprint, 'customer-x')).toMatchObject({
      group: 'customer-x',
      dependsOn: ['customer-x-db', 'mail'],
      volumes: ['customer-x-files:/files', 'shared:/shared:ro'],
    })
    expect(expand(blueprint, `customer-${'x'.repeat(54)}`), 'too long for its database').toBeNull()
  })

  test.each([
    { dependsOn: ['{{name}}'] },
    { dependsOn: ['-{{name}}'] },
    { dependsOn: ['{{ name }}'] },
    { group: '{{name}}/..' },
    { group: '{{other}}' },
    { volumes: ['/{{name}}:/data'] },
  ])('has no ties like %j', (app) => {
    const made = { name: 'b', pattern: '^a+$', app: { image: 'x', ...app } }
    expect(Blueprint.safeParse(made).success).toBe(false)
  })

  test('names no app itself and takes no field an app has not', () => {
    expect(
      Blueprint.safeParse({ name: 'b', pattern: '^a$', app: { image: 'x', name: 'a' } }).success,
    ).toBe(false)
    expect(
      Blueprint.safeParse({ name: 'b', pattern: '^a$', app: { image: 'x' }, raw: '' }).success,
    ).toBe(false)
    expect(Blueprint.safeParse({ name: '../b', pattern: '^a$', app: { image: 'x' } }).success).toBe(
      false,
    )
  })
})
