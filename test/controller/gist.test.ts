import { describe, expect, it } from 'vitest'
import { gistOf } from '../../controller/gist.ts'
import { Plans } from '../../controller/plans.ts'
import { parseNetwork } from '../../model/address.ts'
import { Keys } from '../../model/key.ts'
import { PLAIN } from '../../model/reading.ts'
import { State } from '../../model/state.ts'

const keys = new Keys()
const network = parseNetwork('10.9.0.0/16')
const policy = { networks: network ? [network] : [], denied: new Set<string>() }
const gist = gistOf(keys, policy)
const entryOf = (key: string, value: object | string) => {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return { key, value: text, modRevision: '7', createRevision: '5', lease: '3' }
}
const appKey = keys.named('app', 'shop')

describe('what a gateway goes by of an App', () => {
  it.each([
    {},
    { sticky: true },
    { route: 'none' },
    { route: 'none', routes: ['/foo'] },
    { routes: ['shop.example.com', '=/x'], sticky: true },
  ])('plans as all of it does: %j', (more) => {
    const env = { TOKEN: 'secret' }
    const whole = entryOf(appKey, { name: 'shop', image: 'x:1', env, min: 2, replicas: 3, ...more })
    const planned = (app: typeof whole) => {
      const state = new State(keys, policy)
      state.put(entryOf(keys.endpoint('shop', 0), '10.9.0.5:80'))
      expect(state.put(app)).toBeNull()
      const listen = { launchers: [], listen: '0.0.0.0:8080', activity: '127.0.0.1:8094' }
      const rest = { holdTimeout: 60, accessLog: 'off', silentSockets: 3600, reading: PLAIN }
      const machine = {
        live: '',
        folder: '/run/x',
        user: 'x',
        connections: 9,
        files: 9,
        sign: null,
      }
      return new Plans(state, keys, { ...listen, ...rest, ...machine }).whole()
    }
    expect(planned(gist(whole))).toEqual(planned(whole))
    expect(gist(whole)).toMatchObject({ key: appKey, modRevision: '7', createRevision: '5' })
    expect(gist(whole).value).not.toContain('secret')
  })

  it('is nothing of one that is refused, which stays as it is', () => {
    for (const value of ['nonsense', { name: 'shop' }, { name: 'other', image: 'x' }]) {
      const entry = entryOf(appKey, value)
      expect(gist(entry)).toBe(entry)
    }
  })

  it('is all of any other entry', () => {
    const entry = entryOf(keys.endpoint('shop', 0), '10.9.0.5:80')
    expect(gist(entry)).toBe(entry)
  })
})
