import { expect, test } from 'vitest'
import { App } from '../../model/app.ts'
import { Keys } from '../../model/key.ts'
import { Shared } from '../../model/shared.ts'
import { State } from '../../model/state.ts'

const app = (name: string, more = {}) => App.parse({ name, image: 'x:1', ...more })

test('what is shared says what was said, in the same order', () => {
  const shared = new Shared()
  const apps = [
    app('a', { env: { A: '1' }, command: ['{}'], volumes: ['data:/data'] }),
    app('b', { env: { A: '{}' }, command: ['sh', '-c', '[]'] }),
    app('b', { env: {}, constraints: ['zone==a'], min: 1 }),
  ]
  for (const one of apps) expect(JSON.stringify(shared.of(one))).toBe(JSON.stringify(one))
})

test('apps that are alike have their parts in common, and nobody can change these for the others', () => {
  const state = new State(new Keys(), { networks: [], denied: new Set() })
  for (const name of ['a', 'b'])
    state.put({
      ...{ key: `/services/apps/${name}`, value: JSON.stringify(app(name)) },
      ...{ modRevision: '1', createRevision: '1', lease: '0' },
    })
  const [a, b] = ['a', 'b'].map((name) => state.app(name))
  for (const part of ['env', 'health', 'limits', 'constraints', 'routes', 'volumes'] as const)
    expect(a?.[part]).toBe(b?.[part])
  expect(() => Object.assign(a?.env ?? {}, { X: '1' })).toThrow(TypeError)
})

test('of parts that one app has alone no more than a thousand are held', () => {
  const shared = new Shared()
  const first = shared.of(app('a'))
  for (let i = 0; i < 1_500; i += 1) shared.of(app('b', { env: { OWN: String(i) } }))
  expect(shared.of(app('c'))).toEqual(app('c'))
  expect(first).toEqual(app('a'))
})
