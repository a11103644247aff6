import { beforeEach, describe, expect, it } from 'vitest'
import { isSigned, sign } from '../../../adapters/signature.ts'
import { parseNetwork } from '../../../model/address.ts'
import { type Announcement, announcementText } from '../../../model/announcement.ts'
import { Announcements, type Heard } from '../../../registrar/pool/announcements.ts'
import { Budget } from '../../../registrar/pool/budget.ts'
import { Tally } from '../../../registrar/pool/tally.ts'
import { hostile } from '../../hostile/corpus.ts'

const KEY = 'a key that both know'
const START = 1_764_100_000
let now = START
let steady = 0
let inside: Set<string>
let ear: Announcements

const open = () =>
  new Announcements({
    pools: new Set(['dynamic']),
    policy: {
      networks: [parseNetwork('10.9.0.0/16') ?? expect.fail()],
      denied: new Set(['10.9.0.1:8090']),
    },
    isSigned: (text, signature) => isSigned(KEY, text, signature),
    budget: new Budget(50, 100),
    onChange: (pool, address, isIn) =>
      void (isIn ? inside.add(`${pool} ${address}`) : inside.delete(`${pool} ${address}`)),
    now: () => now,
  })
beforeEach(() => {
  now = START
  steady = 0
  inside = new Set()
  ear = open()
})

let count = 0
const datagram = (more: Partial<Announcement> = {}, key = KEY) => {
  const nonce = (++count).toString(16).padStart(8, '0')
  const usual = { state: 'up' as const, pool: 'dynamic', address: '10.9.0.4:3000', ttl: 10 }
  const text = announcementText({ ...usual, time: Math.floor(now), nonce, ...more })
  return `${text} ${sign(key, text)}`
}
const hear = (text: string, source = '10.9.0.4') => ear.hear(text, source, steady)
const later = (seconds: number) => {
  now += seconds
  steady += seconds * 1000
  ear.expire(steady)
}

describe('a server', () => {
  it('is in at once, stays while it says so, is out when it says so', () => {
    expect(hear(datagram())).toBe('taken')
    expect([...inside]).toEqual(['dynamic 10.9.0.4:3000'])
    for (let turn = 0; turn < 10; turn++) {
      later(9)
      expect(hear(datagram())).toBe('taken')
      expect(inside.size).toBe(1)
    }
    expect(hear(datagram({ state: 'down' }))).toBe('taken')
    expect(inside.size).toBe(0)
  })

  it('is out when it was silent for its time', () => {
    hear(datagram({ ttl: 5 }))
    later(4.9)
    expect(inside.size).toBe(1)
    later(0.2)
    expect(inside.size).toBe(0)
    expect(hear(datagram())).toBe('taken')
    expect(inside.size).toBe(1)
  })

  it('that goes up and down within a second is what it said last', () => {
    for (const state of ['up', 'down', 'up', 'down'] as const)
      expect(hear(datagram({ state }))).toBe('taken')
    expect(inside.size).toBe(0)
  })
})

describe('what is dropped', () => {
  it('is what was recorded, whenever it is sent again', () => {
    const [up, down] = [datagram(), datagram({ state: 'down' })]
    expect([up, down, up, down, up].map((text) => hear(text))).toEqual([
      ...['taken', 'taken', 'replayed', 'replayed', 'replayed'],
    ])
    later(3)
    const again = datagram()
    expect([up, again, down, again].map((text) => hear(text))).toEqual([
      ...['replayed', 'taken', 'replayed', 'replayed'],
    ])
    expect(inside.size).toBe(1)
    later(20)
    expect(inside.size).toBe(0) // silent for its ten seconds
    expect(hear(again)).toBe('replayed')
    later(60)
    expect([up, down, again].map((text) => hear(text))).toEqual([
      ...['untimely', 'untimely', 'untimely'],
    ])
    expect(inside.size).toBe(0)
  })

  it('is what was recorded before this process began', () => {
    const up = datagram()
    now += 10
    ear = open()
    expect(hear(up)).toBe('untimely')
  })

  it('is what is of another time, by more than clocks may differ', () => {
    now += 100
    for (const off of [-31, 31]) expect(hear(datagram({ time: now + off }))).toBe('untimely')
    for (const off of [-29, 29]) expect(hear(datagram({ time: now + off }))).toBe('taken')
  })

  it.each<[string, (text: string) => string]>([
    ['another key', () => datagram({}, 'another key entirely')],
    ['another address', (text) => text.replace('10.9.0.4:', '10.9.0.5:')],
    ['down made of up', (text) => text.replace(' up ', ' down ')],
    ['a longer time', (text) => text.replace(' 10 ', ' 3600 ')],
    ['another second', (text) => text.replace(String(START), String(START + 1))],
    ['no signature', (text) => text.replace(/[0-9a-f]{64}$/, '0'.repeat(64))],
  ])('is forged: %s', (_, forge) => {
    expect(hear(forge(datagram()))).toBe('unsigned')
    expect(inside.size).toBe(0)
  })

  it.each(hostile('etcd.value').filter(({ expect: wanted }) => wanted !== 'accept'))(
    'is an address like $value, though it is signed: $why',
    ({ value }) => {
      expect(['malformed', 'refused-address']).toContain(hear(datagram({ address: value })))
      expect(inside.size).toBe(0)
    },
  )

  it.each(['10.9.0.1:8090', '10.9.0.4:2379', '10.9.0.4:22', '10.10.0.4:80', '127.0.0.1:3000'])(
    'is %s, which is no server of a pool',
    (address) => {
      expect(hear(datagram({ address }))).toBe('refused-address')
    },
  )

  it('is a pool that is not kept here', () => {
    expect(hear(datagram({ pool: 'static' }))).toBe('unknown-pool')
  })

  it('is more than one sender may say, which takes nothing from others', () => {
    const flood = Array.from({ length: 10_000 }, () => hear(`x${count++}`, '10.9.9.9'))
    const of = (heard: Heard) => flood.filter((one) => one === heard).length
    expect([of('malformed'), of('flood')]).toEqual([100, 9_900])
    expect(hear(datagram(), '10.9.0.4')).toBe('taken')
    later(1)
    expect(hear('x', '10.9.9.9')).toBe('malformed')
  })

  it('is what does not fit into a pool, or into memory', () => {
    const address = (index: number) => `10.9.${Math.floor(index / 250)}.${1 + (index % 250)}:3000`
    const heard = Array.from({ length: 150 }, (_, i) =>
      hear(datagram({ address: address(i) }), `${i}`),
    )
    expect(heard.filter((one) => one === 'taken').length).toBe(100)
    expect(inside.size).toBe(100)
    const gone = Array.from({ length: 2_000 }, (_, i) =>
      hear(datagram({ address: address(i), state: 'down' }), `${i}`),
    )
    expect(gone.filter((one) => one === 'taken').length).toBeLessThanOrEqual(1_000)
    later(40)
    expect(hear(datagram({ address: address(1_999) }), 'new')).toBe('taken')
  })
})

it('what is dropped is told of once a minute', () => {
  const told: Record<string, number>[] = []
  const counted: Heard[] = []
  const tally = new Tally(
    (heard) => counted.push(heard),
    (dropped) => told.push(dropped),
  )
  for (let turn = 0; turn < 1_000; turn++) tally.note(turn % 2 ? 'unsigned' : 'taken', turn)
  expect(told).toEqual([{ unsigned: 1 }])
  tally.flush(59_000)
  expect(told.length).toBe(1)
  tally.flush(61_000)
  expect(told).toEqual([{ unsigned: 1 }, { unsigned: 499 }])
  tally.flush(200_000)
  expect(told.length).toBe(2)
  expect(counted.length).toBe(1_000)
})
