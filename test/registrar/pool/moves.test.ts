import { describe, expect, it } from 'vitest'
import type { Entry } from '../../../model/entry.ts'
import { isFull, type Move, movesOf, recordMoves } from '../../../registrar/pool/moves.ts'

const keyOf = (slot: number) => `/services/clusters/web${slot === 0 ? '' : `/${slot}`}`
const leases = { present: '7', own: new Set(['5', '7']), stale: new Set(['3']) }

/** [slot, address, lease, creation] */
type Seen = [number, string, string, number?]
const seenOf = (list: Seen[]) =>
  new Map(
    list.map(([slot, value, lease, created = slot + 1]): [number, Entry] => [
      slot,
      { key: keyOf(slot), value, lease, modRevision: '9', createRevision: String(created) },
    ]),
  )
const moves = (wanted: string[], seen: Seen[], last: [string, number][] = []) =>
  movesOf({ wanted: new Set(wanted), seen: seenOf(seen), last: new Map(last), keyOf }, leases)
const told = (list: Move[]) =>
  list.map((move) => [move.do, move.key, ...('value' in move ? [move.value] : [])].join(' '))

describe('what is written for a pool', () => {
  it('is nothing where it is as it should be, whoever vouches', () => {
    expect(
      moves(
        ['a', 'b'],
        [
          [0, 'a', '7'],
          [1, 'b', '99'],
          [2, 'c', '99'],
        ],
      ),
    ).toEqual([])
  })

  it('puts a server into the lowest free slot, or where it was', () => {
    expect(
      told(
        moves(
          ['a', 'b', 'c'],
          [[1, 'x', '99']],
          [
            ['c', 0],
            ['b', 1],
          ],
        ),
      ),
    ).toEqual([
      'create /services/clusters/web c',
      'create /services/clusters/web/2 a',
      'create /services/clusters/web/3 b',
    ])
  })

  it('takes out what is ours and not wanted, and nothing of others', () => {
    expect(
      told(
        moves(
          [],
          [
            [0, 'a', '7'],
            [1, 'b', '5'],
            [2, 'c', '3'],
            [3, 'd', '99'],
            [4, 'e', '0'],
          ],
        ),
      ),
    ).toEqual(['remove /services/clusters/web', 'remove /services/clusters/web/1'])
  })

  it('moves what is under an old lease of ours, or of one who died, and leaves it in its slot', () => {
    expect(
      told(
        moves(
          ['a', 'b'],
          [
            [0, 'a', '5'],
            [4, 'b', '3'],
          ],
        ),
      ),
    ).toEqual(['replace /services/clusters/web a', 'replace /services/clusters/web/4 b'])
  })

  it('keeps the older of two slots that one server got at the same moment', () => {
    expect(
      told(
        moves(
          ['a'],
          [
            [0, 'a', '7', 20],
            [1, 'a', '99', 10],
          ],
        ),
      ),
    ).toEqual(['remove /services/clusters/web'])
    expect(
      moves(
        ['a'],
        [
          [0, 'a', '7', 10],
          [1, 'a', '99', 20],
        ],
      ),
    ).toEqual([])
  })

  it('is no more than there are slots', () => {
    const wanted = Array.from({ length: 120 }, (_, i) => `s${i}`)
    const made = moves(wanted, [[5, 'x', '99']])
    expect(made.length).toBe(99)
    expect(new Set(made.map(({ key }) => key)).size).toBe(99)
    const full = seenOf(Array.from({ length: 100 }, (_, i): Seen => [i, `s${i}`, '99']))
    expect(isFull({ wanted: new Set(['s1']), seen: full })).toBe(false)
    expect(isFull({ wanted: new Set(['s100']), seen: full })).toBe(true)
  })
})

describe('what is written for its record', () => {
  const key = '/services/pools/web'
  const record = (value: string | null, lease = '7') =>
    told(
      recordMoves(
        {
          ...{ key, wanted: 'new' },
          seen:
            value === null ? null : { key, value, lease, modRevision: '9', createRevision: '9' },
        },
        leases,
      ),
    )
  it('makes it, and takes it over from who died, but never from who lives', () => {
    expect(record(null)).toEqual([`create ${key} new`])
    expect(record('new')).toEqual([])
    expect(record('old')).toEqual([`replace ${key} new`])
    expect(record('old', '3')).toEqual([`replace ${key} new`])
    expect(record('new', '5')).toEqual([`replace ${key} new`])
    for (const lease of ['99', '0']) expect(record('old', lease)).toEqual([])
  })
})
