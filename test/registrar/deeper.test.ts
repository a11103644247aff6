import { expect, test } from 'vitest'
import type { InstanceSpec } from '../../model/label.ts'
import { nextStep, requestedStep } from '../../registrar/deeper.ts'
import { discovered, type Phase } from '../../registrar/instance.ts'

function instance(phase: Phase, more: Partial<InstanceSpec> = {}) {
  const spec: InstanceSpec = {
    ...{ app: 'a', slot: 0, port: 80, health: { type: 'tcp' }, idleAfter: 60, stopTimeout: 1 },
    ...{ min: 0, revision: 'ab', sleep: 'pause' },
    ...more,
  }
  return { ...discovered('c1', spec), phase }
}
const terms = (sleep: string) => ({ min: 0, idleAfter: 60, stopTimeout: 1, sleep })

test.each([
  ['ready', 'stop', { how: 'stop', after: 60 }],
  ['stopped', 'stop', null],
  ['ready', 'pause', { how: 'pause', after: 60 }],
  ['unready', 'pause', { how: 'pause', after: 60 }],
  ['paused', 'pause', null],
  ['stopped', 'pause', null],
  ['paused', 'pause,stop:1h', { how: 'stop', after: 3600 }],
  ['paused', 'pause,remove:1h', { how: 'remove', after: 3600 }],
  ['stopped', 'pause,stop:1h,remove:2h', { how: 'remove', after: 7200 }],
  ['ready', 'remove', { how: 'remove', after: 60 }],
  ['stopped', 'remove', { how: 'remove', after: 60 }],
  // it was paused by an App that is another one now
  ['paused', 'stop', { how: 'stop', after: 60 }],
] as const)('of one that is %s and sleeps by %s comes next %j', (phase, sleep, step) => {
  expect(nextStep(instance(phase), terms(sleep))).toEqual(step)
})

test('only what was made to be paused is paused', () => {
  for (const sleep of [{}, { sleep: 'stop' }])
    expect(nextStep({ ...instance('ready', sleep) }, terms('pause'))?.how).toBe(
      'sleep' in sleep ? 'stop' : 'pause',
    )
})

test('what was made by hand is stopped and never removed', () => {
  const byHand = { revision: '' }
  expect(nextStep(instance('ready', byHand), terms('remove'))?.how).toBe('stop')
  expect(nextStep(instance('stopped', byHand), terms('remove'))).toBeNull()
})

test('who asks gets a pause where that is how it sleeps, and of a paused one its end', () => {
  expect(requestedStep(instance('ready'), terms('pause,stop:1h'), false)).toBe('pause')
  expect(requestedStep(instance('paused'), terms('pause'), false)).toBe('stop')
  expect(requestedStep(instance('ready'), terms('remove'), false)).toBe('stop')
  expect(requestedStep(instance('ready'), terms('pause'), true)).toBe('stop')
})
