import { expect, it } from 'vitest'
import type { Engine } from '../../../launcher/engine.ts'
import { Launchpad } from '../../../launcher/wake/launch.ts'
import { Stopwatch } from '../../../launcher/wake/stopwatch.ts'
import { App } from '../../../model/app.ts'
import { Host } from '../../../model/record.ts'
import { refusal } from '../machine.ts'

/** Starts a member of a group; what is done to the group's network, in order. */
async function networks(
  create: () => Promise<string>,
  promised: Promise<void> = Promise.resolve(),
): Promise<{ done: string[]; outcome: string }> {
  const done: string[] = []
  const engine = {
    create,
    start: async () => {},
    remove: async (id: string) => void done.push(`remove ${id}`),
    pull: async () => {
      throw refusal('no-image', 'no such image')
    },
    groups: {
      provideNetwork: async (group: string) => void done.push(`provide ${group}`),
      dropNetwork: async (group: string) => void done.push(`drop ${group}`),
    },
  } as unknown as Engine
  const address = '10.9.0.1'
  const record = { name: 'h1', address, engine: `tcp://${address}:2376`, publish: address }
  promised.catch(() => {})
  const outcome = await new Launchpad({
    ...{ startsPerHost: 4, launchers: () => 1, registries: ['*'] },
    ...{ network: 'bridge', hostNetwork: 'off', log: { warn: () => {} } },
    makingAddress: { for: () => Promise.resolve(false) },
  })
    .launch({
      ...{ app: App.parse({ name: 'shop', image: 'shop:1', group: 'shops' }), slot: 0, engine },
      ...{ host: Host.parse({ ...record, cpus: 2, memory: 2 ** 30 }), container: null },
      ...{ hold: null, claim: { valid: () => true }, promised, isUrgent: true },
      ...{ isCurrent: () => true, onStart: () => {}, report: () => {}, watch: new Stopwatch() },
      signal: new AbortController().signal,
    })
    .catch((error: unknown) => `fails: ${(error as Error).message}`)
  await new Promise(setImmediate)
  return { done, outcome }
}

it('leaves no network of a group behind whose container could not be made', async () => {
  const without = async () => Promise.reject(refusal('no-image', 'no such image'))
  const { done, outcome } = await networks(without)
  expect(outcome).toMatch(/^fails: .*no such image/)
  expect(done.slice(-2)).toEqual(['provide shops', 'drop shops'])
})

it('leaves none where the room went to somebody else meanwhile, and keeps it where a container is', async () => {
  const taken = Promise.reject(new Error('has no room'))
  expect(await networks(async () => 'c1', taken)).toEqual({
    done: ['provide shops', 'remove c1', 'drop shops'],
    outcome: 'fails: has no room',
  })
  expect(await networks(async () => 'c1')).toEqual({ done: ['provide shops'], outcome: 'c1' })
})
