import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Controller, type ControllerOptions } from '../../controller/controller.ts'
import { LiveTable } from '../../controller/live.ts'
import { generationOf } from '../../controller/render.ts'
import { parseNetwork } from '../../model/address.ts'
import { Keys } from '../../model/key.ts'
import { PLAIN } from '../../model/reading.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const network = parseNetwork('10.0.0.0/8')
const NOTHING = async (): Promise<void> => {}

/** A controller over a proxy that runs what it should; what that costs is counted. */
async function rest(live: ControllerOptions['live'] = null) {
  const cost = { reads: 0, questions: 0 }
  let running: number | null = null
  let tell = (): void => {}
  const gauge = { set: () => {} }
  const options: ControllerOptions = {
    ...{
      id: 'g',
      keys: new Keys(),
      policy: { networks: network ? [network] : [], denied: new Set() },
      leaseTtl: 10,
    },
    surroundings: {
      ...{ launchers: [], listen: '0.0.0.0:8080', activity: '127.0.0.1:8094', holdTimeout: 60 },
      ...{ reading: PLAIN, sign: null, accessLog: 'off', silentSockets: 3600, live: '' },
      ...{ folder: '/run/x', user: '', connections: 1024, files: 2048 },
    },
    template: async () => {
      cost.reads += 1
      return '# {{ plan.stamp }}'
    },
    files: {
      read: async () => null,
      propose: async (text) => {
        running = generationOf(text)
        return '/run/x/candidate'
      },
      ...{ withdraw: NOTHING, adopt: NOTHING, restore: NOTHING, settle: NOTHING },
    },
    proxy: {
      ...{ check: NOTHING, running: async () => true, reload: NOTHING },
      generation: async () => {
        cost.questions += 1
        return running
      },
    },
    ...{ live, confirm: true, record: { publish: () => {} } },
    memory: { recall: async () => null, keep: () => {}, stop: NOTHING },
    watch: (onChange) => {
      tell = onChange
      return () => {}
    },
    log: { debug: () => {}, info: () => {}, warn: () => {} },
    meters: {
      ...{ reloads: { inc: () => {} }, applySeconds: { observe: () => {} } },
      ...{ appliedRevision: gauge, generation: gauge, endpoints: gauge, rejected: gauge },
    },
  }
  const controller = new Controller(options)
  const started = controller.start()
  await vi.advanceTimersByTimeAsync(2_000)
  await started
  controller.change([], '1')
  await vi.advanceTimersByTimeAsync(5_000)
  Object.assign(cost, { reads: 0, questions: 0 })
  return { controller, cost, tell: () => tell() }
}

test('while nothing happens the proxy is asked, and the template read, every five seconds', async () => {
  const { controller, cost } = await rest()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(cost).toEqual({ reads: 12, questions: 12 })
  await controller.stop()
})

test('what is told is looked at without waiting for that', async () => {
  const { controller, cost, tell } = await rest()
  tell()
  await vi.advanceTimersByTimeAsync(0)
  expect(cost).toEqual({ reads: 1, questions: 1 })
  await controller.stop()
})

test('a single change is pushed at once, and those of the next 20 ms together', async () => {
  const pushes: number[] = []
  let revision = 'none'
  const door = {
    number: 0,
    revision: async () => revision,
    put: async (text: string) => {
      pushes.push(performance.now())
      revision = text.split('\n', 1)[0]?.split(' ').at(-1) ?? ''
      return { revision, refused: [] }
    },
    change: NOTHING,
  }
  const { controller } = await rest(
    new LiveTable(door, { keep: () => {}, tried: NOTHING, stop: NOTHING }),
  )
  pushes.length = 0
  let changes = 1
  const change = async () => {
    changes += 1
    const modRevision = String(changes)
    const entry = { key: `/services/clusters/app-${changes}`, value: '10.0.0.1:80', lease: '0' }
    const whole = { ...entry, modRevision, createRevision: modRevision }
    controller.change([{ type: 'put', entry: whole }], modRevision)
    await vi.advanceTimersByTimeAsync(0)
  }
  for (let i = 0; i < 100; i += 1) {
    await change()
    if (i === 0) expect(pushes).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(2)
  }
  await vi.advanceTimersByTimeAsync(100)
  expect(controller.status.applied).toBe(String(changes))
  expect(pushes).toHaveLength(11)
  await change()
  expect(pushes).toHaveLength(12)
  expect(controller.status.applied).toBe(String(changes))
  await controller.stop()
})
