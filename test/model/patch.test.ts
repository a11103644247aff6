import { describe, expect, test } from 'vitest'
import { App } from '../../model/app.ts'
import { AppPatch, patch } from '../../model/patch.ts'

const app = App.parse({
  name: 'shop',
  image: 'shop:1',
  env: { MODE: 'live', LEVEL: '1' },
  limits: { memory: '1g', cpus: 2 },
  replicas: 3,
})

describe('a patch of an App', () => {
  test('changes what it names and nothing else: no default comes in place of what is left out', () => {
    expect(AppPatch.parse({})).toEqual({})
    const given = { image: 'shop:2', idleAfter: '90s', env: { LEVEL: '2' }, limits: { cpus: 1 } }
    const changed = patch(app, AppPatch.parse(given))
    expect(changed.data).toEqual({
      ...app,
      image: 'shop:2',
      idleAfter: 90,
      env: { MODE: 'live', LEVEL: '2' },
      limits: { ...app.limits, cpus: 1 },
    })
  })

  test.each([
    { name: 'other' },
    { nothing: 1 },
    { image: 'bad image' },
    { limits: { memory: 'much' } },
    { limits: { disk: 1 } },
    { env: { 'NO NAME': '1' } },
    { replicas: 0 },
    { idleAfter: -1 },
  ])('is refused where it is %j', (given) => {
    expect(AppPatch.safeParse(given).success).toBe(false)
  })

  test('is refused where its fields do not fit those that stay', () => {
    expect(patch(app, AppPatch.parse({ min: 4 })).success).toBe(false)
    expect(patch(app, AppPatch.parse({ min: 4, replicas: 4 })).success).toBe(true)
  })
})
