import { describe, expect, test } from 'vitest'
import { neededNow, whyEndless } from '../../model/dependency.ts'
import { Keys } from '../../model/key.ts'
import { State } from '../../model/state.ts'

const apps = (needs: Record<string, string[]>) => {
  const find = (name: string) => {
    const found = Object.keys(needs).find((key) => key.toLowerCase() === name.toLowerCase())
    return found === undefined ? null : { name: found, dependsOn: needs[found] ?? [] }
  }
  return find
}
const why = (needs: Record<string, string[]>, name: string): string | null => {
  const find = apps(needs)
  const app = find(name)
  if (!app) throw new Error(`no ${name}`)
  return whyEndless(app, find)
}

describe('what an app depends on', () => {
  test('may be shared, deep, and not be there yet', () => {
    expect(why({ shop: ['db', 'mail'], mail: ['db'], db: ['later'] }, 'shop')).toBeNull()
  })

  test.each([
    [{ shop: ['db'], db: ['SHOP'] }, 'shop', 'shop -> db -> shop'],
    [{ shop: ['a'], a: ['b'], b: ['a'] }, 'shop', 'a -> b -> a'],
    [{ a: ['b'], b: ['c'], c: ['d'], d: ['b'] }, 'a', 'b -> c -> d -> b'],
  ])('may not be in %j', (needs, name, cycle) => {
    expect(why(needs, name)).toBe(`it would wait for itself: ${cycle}`)
  })

  test('is judged with the app as it is to be, not as it is stored', () => {
    const find = apps({ shop: [], db: ['shop'] })
    expect(whyEndless({ name: 'shop', dependsOn: ['db'] }, find)).toContain('shop -> db -> shop')
  })

  test('has limits, whatever a blueprint makes of names', () => {
    const endless = (name: string) => ({ name, dependsOn: [`${name}-x`] })
    expect(whyEndless(endless('a'), endless)).toBe('it needs a chain of more than 16 apps')
    const wide = (name: string) => ({
      name,
      dependsOn: name.length > 4 ? [] : Array.from({ length: 16 }, (_, i) => `${name}-${i}`),
    })
    expect(whyEndless(wide('a'), wide)).toBe('it needs more than 64 apps')
  })
})

test('needed is what an app depends on that runs, starts or ends, and nothing else', () => {
  const keys = new Keys()
  const state = new State(keys, {
    networks: [{ family: 4, bits: 0n, prefix: 0 }],
    denied: new Set(),
  })
  const put = (key: string, value: string): void => {
    const entry = { key, value, modRevision: '1', createRevision: '1', lease: '1' }
    expect(state.put(entry)).toBeNull()
  }
  const find = apps({ Shop: ['DB', 'mail'], blog: ['db'], wiki: ['search'], db: [] })
  const needed = (): object => Object.fromEntries(neededNow(state, keys, find))
  expect(needed()).toEqual({})
  put(keys.endpoint('shop', 0), '10.0.0.1:4000')
  expect(needed()).toEqual({ db: ['Shop'], mail: ['Shop'] })
  const since = new Date().toISOString()
  put(keys.claim('blog', 0), JSON.stringify({ owner: 'x', action: 'wake', since }))
  put(keys.claim('wiki', 1), JSON.stringify({ owner: 'x', action: 'sleep', since }))
  expect(needed()).toEqual({ db: ['Shop', 'blog'], mail: ['Shop'], search: ['wiki'] })
  state.delete(keys.endpoint('shop', 0))
  state.delete(keys.claim('wiki', 1))
  expect(needed()).toEqual({ db: ['blog'] })
})
