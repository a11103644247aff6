import { describe, expect, it } from 'vitest'
import { type Change, ShrinkGuard } from '../../controller/shrink.ts'
import { Keys } from '../../model/key.ts'

const put = (app: string, value = `10.9.0.5:${8000 + app.charCodeAt(0)}`): Change => ({
  type: 'put',
  entry: {
    key: `/services/clusters/${app}`,
    value,
    modRevision: '1',
    createRevision: '1',
    lease: '1',
  },
})
const gone = (app: string, seen = false): Change => ({
  type: 'delete',
  key: `/services/clusters/${app}`,
  seen,
})

function guardOf(...apps: string[]): ShrinkGuard {
  const guard = new ShrinkGuard(new Keys(), 10_000)
  guard.admit(
    apps.map((app) => put(app)),
    0,
  )
  return guard
}

describe('ShrinkGuard', () => {
  it('keeps endpoints for one TTL when most are missing from a list', () => {
    const guard = guardOf('a', 'b', 'c')
    expect(guard.admit([gone('a'), gone('b'), gone('c')], 0)).toEqual([])
    expect(guard.holding).toBe(true)
    expect(guard.due(9_999)).toEqual([])
    expect(guard.due(10_000)).toEqual([gone('a'), gone('b'), gone('c')])
    expect(guard.holding).toBe(false)
  })

  it('believes a list that lost half of them or fewer, or the only one', () => {
    expect(guardOf('a', 'b', 'c', 'd').admit([gone('a'), gone('b')], 0)).toHaveLength(2)
    expect(guardOf('a').admit([gone('a')], 0)).toHaveLength(1)
  })

  it('keeps all that an etcd lacks which went back in time, be it one', () => {
    const one = guardOf('a')
    expect(one.admit([gone('a')], 0, true)).toEqual([])
    expect(one.due(10_000)).toEqual([gone('a')])
    const four = guardOf('a', 'b', 'c', 'd')
    expect(four.admit([gone('a'), put('b')], 0, true)).toEqual([put('b')])
    // what is seen to be deleted is deleted, then too
    expect(four.admit([gone('b', true)], 1)).toEqual([gone('b', true)])
    expect(four.due(10_000)).toEqual([gone('a')])
  })

  it('keeps what Apps and Blueprints said about routes in an etcd that forgot them', () => {
    const guard = guardOf('a')
    const app = (seen: boolean): Change => ({ type: 'delete', key: '/services/apps/a', seen })
    const blueprint: Change = { type: 'delete', key: '/services/blueprints/b', seen: false }
    expect(guard.admit([app(false), blueprint], 0, true)).toEqual([])
    expect(guard.due(60_000)).toEqual([])
    expect(guard.admit([app(true)], 1)).toEqual([app(true)])
    expect(guard.admit([app(false)], 2)).toEqual([app(false)])
  })

  it('believes every delete that was seen as an event', () => {
    const guard = guardOf('a', 'b', 'c')
    const batch = [gone('a', true), gone('b', true), gone('c', true)]
    expect(guard.admit(batch, 0)).toEqual(batch)
    expect(guard.holding).toBe(false)
  })

  it('lets go of what is registered again, or was seen to be deleted after all', () => {
    const guard = guardOf('a', 'b', 'c')
    guard.admit([gone('a'), gone('b'), gone('c')], 0)
    expect(guard.admit([put('a')], 1)).toEqual([put('a')])
    expect(guard.admit([gone('b', true)], 2)).toEqual([gone('b', true)])
    expect(guard.due(20_000)).toEqual([gone('c')])
  })

  it('gives up an address that somebody else registers, at once', () => {
    const guard = guardOf('a', 'b', 'c')
    guard.admit([gone('a'), gone('b'), gone('c')], 0)
    const other = put('z', `10.9.0.5:${8000 + 'a'.charCodeAt(0)}`)
    expect(guard.admit([other], 1)).toEqual([gone('a'), other])
  })

  it('counts endpoints only', () => {
    const guard = guardOf('a', 'b', 'c')
    const launchers: Change[] = ['x', 'y', 'z'].map((name) => ({
      type: 'delete',
      key: `/services/launchers/${name}`,
      seen: false,
    }))
    expect(guard.admit([...launchers, gone('a')], 0)).toHaveLength(4)
  })
})
