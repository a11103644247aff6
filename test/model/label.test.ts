import { describe, expect, test } from 'vitest'
import { APP_LABEL, type InstanceSpec, readLabels, writeLabels } from '../../model/label.ts'
import { hostile } from '../hostile/corpus.ts'

const spec: InstanceSpec = {
  app: 'A',
  slot: 2,
  port: 80,
  health: { type: 'command', command: ['sh', '-c', 'a "b"'] },
  idleAfter: 300,
  stopTimeout: 10,
  min: 1,
  revision: '0123abcd',
}

describe('labels', () => {
  test('are read as they were written', () => {
    expect(readLabels(writeLabels(spec))).toEqual({ ok: true, spec })
  })

  test('say what an instance is tied to, where it is', () => {
    const tied = { ...spec, group: 'shop', dependsOn: ['db', 'mail'] }
    expect(readLabels(writeLabels(tied))).toEqual({ ok: true, spec: tied })
    for (const [name, value] of [
      ['reveille.group', 'a/b'],
      ['reveille.group', ''],
      ['reveille.depends-on', ''],
      ['reveille.depends-on', 'db,,mail'],
      ['reveille.depends-on', `db,${spec.app.toUpperCase()}`],
      ['reveille.depends-on', Array.from({ length: 17 }, (_, i) => `a${i}`).join(',')],
    ] as const)
      expect(readLabels({ ...writeLabels(spec), [name]: value }).ok, value).toBe(false)
  })

  test('say how an instance sleeps where it is not simply stopped', () => {
    expect(writeLabels({ ...spec, sleep: 'stop' })).toEqual(writeLabels(spec))
    const depth = { ...spec, sleep: 'pause,stop:1h' }
    expect(readLabels(writeLabels(depth))).toEqual({ ok: true, spec: depth })
    for (const value of ['', 'doze', 'pause,stop:5m', 'stop,pause:1h'])
      expect(readLabels({ ...writeLabels(spec), 'reveille.sleep': value }).ok, value).toBe(false)
  })

  test('of a container started by hand need only name the app', () => {
    expect(readLabels({ [APP_LABEL]: 'A', 'org.other': 'x' })).toEqual({
      ok: true,
      spec: {
        app: 'A',
        slot: 0,
        port: 8000,
        health: { type: 'auto' },
        idleAfter: 300,
        stopTimeout: 10,
        min: 0,
        revision: '',
      },
    })
  })

  test('without an app are not ours', () => {
    expect(readLabels({})).toEqual({ ok: false, reason: 'label reveille.app is not valid' })
  })

  for (const label of ['port', 'idle-after', 'stop-timeout', 'health'])
    test.each(hostile('container.label'))(`reveille.${label} refuses $value: $why`, ({ value }) => {
      expect(readLabels({ ...writeLabels(spec), [`reveille.${label}`]: value })).toEqual({
        ok: false,
        reason: `label reveille.${label} is not valid`,
      })
    })

  test.each([
    [APP_LABEL, 'shop,admin'],
    [APP_LABEL, 'shop\nX'],
    ['reveille.slot', '100'],
    ['reveille.slot', '01'],
    ['reveille.slot', ''],
    ['reveille.port', '0'],
    ['reveille.port', '65536'],
    ['reveille.idle-after', '31d'],
    ['reveille.min', '65'],
    ['reveille.min', '-1'],
    ['reveille.revision', 'XYZ'],
    ['reveille.revision', 'a'.repeat(65)],
  ])('%s refuses %j', (label, value) => {
    expect(readLabels({ ...writeLabels(spec), [label]: value }).ok).toBe(false)
  })

  test('may give durations as text', () => {
    expect(readLabels({ [APP_LABEL]: 'A', 'reveille.idle-after': '5m' })).toMatchObject({
      spec: { idleAfter: 300 },
    })
  })
})
