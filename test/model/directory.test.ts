import { expect, it } from 'vitest'
import { Directory } from '../../model/directory.ts'
import { Keys } from '../../model/key.ts'
import { State } from '../../model/state.ts'

const keys = new Keys()
const revisions = { modRevision: '1', createRevision: '1', lease: '0' }

it('makes the app of a name once, though as many run as a launcher has to place among', () => {
  const state = new State(keys, { networks: [], denied: new Set() })
  const value = JSON.stringify({ name: 'any', pattern: '^app-[0-9]+$', app: { image: 'any:1' } })
  state.put({ key: keys.named('blueprint', 'any'), value, ...revisions })
  const directory = new Directory(state)
  const all = () => Array.from({ length: 2_000 }, (_, i) => directory.find(`app-${i}`))
  const first = all()
  expect(all().every((app, i) => app !== null && app === first[i])).toBe(true)
})

it('knows of each change to blueprints without being told', () => {
  const state = new State(keys, { networks: [], denied: new Set() })
  const directory = new Directory(state, 2)
  const key = keys.named('blueprint', 'any')
  const put = (image: string) => {
    const value = JSON.stringify({ name: 'any', pattern: '^[a-z]+$', app: { image } })
    expect(state.put({ key, value, ...revisions })).toBeNull()
  }
  expect(directory.find('shop')).toBeNull()
  put('one:1')
  expect(directory.find('shop')).toMatchObject({ name: 'shop', image: 'one:1' })
  // more names than are kept
  for (const name of ['a', 'b', 'c', 'd']) expect(directory.find(name)?.name).toBe(name)
  put('two:1')
  expect(directory.derive('shop')).toMatchObject({ blueprint: 'any', app: { image: 'two:1' } })
  // made once, however often it is asked for
  expect(directory.derive('shop')?.app).toBe(directory.derive('shop')?.app)
  state.delete(key)
  expect(directory.find('shop')).toBeNull()
})
