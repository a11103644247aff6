import { describe, expect, it } from 'vitest'
import { announcementText, parseAnnouncement } from '../../model/announcement.ts'
import { isAppName } from '../../model/name.ts'
import { backendVariable, PoolFile, Servers } from '../../model/pool-plan.ts'
import { expandRange } from '../../model/range.ts'
import { hostile } from '../hostile/corpus.ts'

describe('a range', () => {
  it.each<[string, string[]]>([
    ['10.0.0.5', ['10.0.0.5']],
    ['10.0.0.254-10.0.1.1', ['10.0.0.254', '10.0.0.255', '10.0.1.0', '10.0.1.1']],
    ['10.0.0.7/30', ['10.0.0.5', '10.0.0.6']],
    ['10.0.0.4/31', ['10.0.0.4', '10.0.0.5']],
    ['fd00::1-fd00::3', ['fd00::1', 'fd00::2', 'fd00::3']],
    ['169.254.169.253-169.254.169.254', []],
  ])('%s', (text, addresses) => {
    expect(expandRange(text, 100)).toEqual(addresses)
  })
  it.each([
    ...[
      '',
      '10.0.0.9-10.0.0.1',
      '10.0.0.1-fd00::1',
      '10.0.0.0/8',
      '0.0.0.0/0',
      '::/0',
      '10.0.0.1-',
      '-',
    ],
    ...[
      '10.0.0.1-10.0.0.2-10.0.0.3',
      '010.0.0.1',
      'localhost',
      '10.0.0.1/33',
      '10.0.0.1 ',
      '10.0.0.*',
    ],
  ])('%j is none', (text) => {
    expect(expandRange(text, 1000)).toBeNull()
  })
})

describe('a list of servers', () => {
  it('is separated by spaces, and is at port 80 where it does not say', () => {
    expect(Servers.parse(' 10.0.0.2  10.0.0.3:3000\n[fd00::1]:80 ')).toEqual([
      ...['10.0.0.2:80', '10.0.0.3:3000', '[fd00::1]:80'],
    ])
    expect(Servers.parse('')).toEqual([])
  })
  it.each([
    '10.0.0.2;',
    'host:80',
    '10.0.0.2:80,10.0.0.3:80',
    '10.0.0.2:0',
    '1',
    ...['$(id)', '%s'],
  ])('%s is refused', (text) => {
    expect(Servers.safeParse(text).success).toBe(false)
  })
})

describe('a file of pools', () => {
  it('has pools by name', () => {
    const [plan] = PoolFile.parse({
      static: {
        ...{ balance: 'ip_hash', weight: 100, maxFails: 5, failTimeout: '5m', servers: '10.0.0.2' },
        scan: { addresses: '10.0.0.2-10.0.0.20 10.0.0.30', startsWith: '<!D' },
      },
    })
    expect(plan).toMatchObject({
      pool: { name: 'static', balance: 'ip_hash', failTimeout: 300, weights: {} },
      servers: ['10.0.0.2:80'],
      scan: [{ addresses: ['10.0.0.2-10.0.0.20', '10.0.0.30'], ports: [80], path: '/' }],
    })
    expect(PoolFile.parse({ a: {} })).toMatchObject([{ servers: [], scan: [] }])
    expect(
      PoolFile.parse({ a: { scan: [{ addresses: '10.0.0.1', ports: '80 81' }] } }),
    ).toMatchObject([{ scan: [{ ports: [80, 81] }] }])
  })
  it.each([
    [],
    { 'a b': {} },
    { a: { server: '10.0.0.1' } },
    { a: { name: 'b' } },
    { a: { servers: '10.0.0.1 nobody' } },
    { a: { balance: 'best' } },
    { a: { scan: { addresses: '10.0.0.0/8' } } },
    { a: { scan: { addresses: '10.0.0.1', ports: '80,81' } } },
    { a: { scan: { addresses: '10.0.0.1', path: 'x' } } },
    { a: { scan: { addresses: '10.0.0.1', path: '/ HTTP/1.1\r\nx: y' } } },
    { a: { scan: { addresses: '10.0.0.1', matches: '(a+)+' } } },
    { a: { scan: { addresses: '10.0.0.1', body: 'x' } } },
  ])('%j is refused', (file) => {
    expect(PoolFile.safeParse(file).success).toBe(false)
  })
  it('has a variable for the servers of each', () => {
    expect(['static', 'my-pool_2'].map(backendVariable)).toEqual([
      ...['STATIC_BACKEND', 'MY_POOL_2_BACKEND'],
    ])
  })
})

describe('an announcement', () => {
  const it0 = { state: 'up' as const, pool: 'dynamic', address: '10.0.0.4:3000', ttl: 10 }
  const announcement = { ...it0, time: 1_764_100_000, nonce: '0123456789abcdef' }
  const text = announcementText(announcement)
  const mac = 'a'.repeat(64)

  it('is one line of text', () => {
    expect(text).toBe('reveille1 up dynamic 10.0.0.4:3000 10 1764100000 0123456789abcdef')
    for (const end of ['', '\n'])
      expect(parseAnnouncement(`${text} ${mac}${end}`)).toEqual({
        ...{ announcement, text, signature: mac },
      })
  })
  it.each(hostile('etcd.value').filter(({ expect: wanted }) => wanted !== 'accept'))(
    'is none with an address like $value: $why',
    ({ value }) => {
      const bad = `${text.replace('10.0.0.4:3000', value)} ${mac}`
      const read = parseAnnouncement(bad)
      // what is an address at all is held against the policy by who reads it
      if (read) expect(value).toMatch(/^[0-9a-f.:[\]]+$/)
    },
  )
  it.each(hostile('app.name').filter(({ value }) => !isAppName(value)))(
    'is none with a pool like $value: $why',
    ({ value }) => {
      expect(parseAnnouncement(`${text.replace('dynamic', () => value)} ${mac}`)).toBeNull()
    },
  )
  it.each([
    '',
    text,
    `${text} ${mac} `,
    `${text} ${mac}0`,
    `${text} ${mac.toUpperCase()}`,
    `x${text} ${mac}`,
    `${text.replace(' 10 ', ' 0 ')} ${mac}`,
    `${text.replace(' 10 ', ' 3601 ')} ${mac}`,
    `${text.replace(' up ', ' Up ')} ${mac}`,
    `${text.replace('reveille1', 'reveille2')} ${mac}`,
    `${text.replace('1764100000', '-1')} ${mac}`,
    `${text.replace(' ', '  ')} ${mac}`,
    '\u0000'.repeat(200),
    'a'.repeat(70_000),
  ])('%j is none', (datagram) => {
    expect(parseAnnouncement(datagram)).toBeNull()
  })
})
