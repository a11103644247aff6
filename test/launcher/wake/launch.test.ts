import { expect, it } from 'vitest'
import type { Engine } from '../../../launcher/engine.ts'
import { revisionOf } from '../../../launcher/revision.ts'
import { Launchpad } from '../../../launcher/wake/launch.ts'
import { Stopwatch } from '../../../launcher/wake/stopwatch.ts'
import { App } from '../../../model/app.ts'
import type { Container } from '../../../model/container.ts'
import { Host } from '../../../model/record.ts'
import { refusal } from '../machine.ts'

/** Starts an app on an engine; the container's id, or why it failed. */
async function launch(
  engine: object,
  app: object,
  {
    network = 'bridge' as 'bridge' | 'sandbox',
    container = null as Container | null,
    promised = Promise.resolve(),
  } = {},
): Promise<string> {
  const address = '10.9.0.1'
  const record = { name: 'h1', address, engine: `tcp://${address}:2376`, publish: address }
  promised.catch(() => {})
  const launchpad = new Launchpad({
    ...{ startsPerHost: 4, launchers: () => 1, registries: ['*'] },
    ...{ network, hostNetwork: 'off', log: { warn: () => {} } },
    makingAddress: { for: () => Promise.resolve(false) },
  })
  const outcome = await launchpad
    .launch({
      ...{ app: App.parse({ name: 'shop', image: 'shop:1', ...app }), slot: 0 },
      ...{ engine: engine as Engine, host: Host.parse({ ...record, cpus: 2, memory: 2 ** 30 }) },
      ...{ container, hold: null, claim: { valid: () => true }, promised, isUrgent: true },
      ...{ isCurrent: () => true, onStart: () => {}, report: () => {}, watch: new Stopwatch() },
      signal: new AbortController().signal,
    })
    .catch((error: unknown) => `fails: ${(error as Error).message}`)
  await new Promise(setImmediate)
  return outcome
}

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
  }
  return { done, outcome: await launch(engine, { group: 'shops' }, { promised }) }
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

it.each([
  { app: { group: 'shops', replicas: 2 }, network: 'bridge' },
  { app: { group: 'shops', replicas: 2, network: 'sandbox' }, network: 'sandbox' },
  { app: { group: 'shops' }, network: 'sandbox' },
  { app: { replicas: 2 }, network: 'sandbox' },
])(
  'a name that a group has for several instances does not lead to those that sleep: $app gets $network',
  async ({ app, network }) => {
    const engine = {
      create: async ({ network: given }: { network: string }) => given,
      start: async () => {},
      groups: { provideNetwork: async () => {} },
    }
    expect(await launch(engine, app, { network: 'sandbox' })).toBe(network)
  },
)

it.each([
  { state: 'created', removed: ['shop-0'], outcome: 'bridged' },
  { state: 'exited', removed: [], outcome: 'fails: no sandbox here' },
])(
  'has a network made for one that is $state where its sandbox is refused, unless it has something to lose',
  async (row) => {
    const removed: string[] = []
    const revision = revisionOf(App.parse({ name: 'shop', image: 'shop:1' }))
    const labels = { 'reveille.app': 'shop', 'reveille.revision': revision }
    const container = { id: 'shop-0', state: row.state, labels } as unknown as Container
    const engine = {
      create: async () => 'bridged',
      inspect: async (id: string) => (id === 'shop-0' && removed.length === 0 ? container : null),
      start: async (id: string) => {
        if (id === 'shop-0') throw refusal('no-sandbox', 'no sandbox here')
      },
      remove: async (id: string) => void removed.push(id),
    }
    expect(await launch(engine, {}, { network: 'sandbox', container })).toBe(row.outcome)
    expect(removed).toEqual(row.removed)
  },
)

it('leaves a container that was made by hand alone, though its network is gone', async () => {
  const removed: string[] = []
  const labels = { 'reveille.app': 'shop' }
  const container = { id: 'mine', name: 'mine', state: 'exited', labels } as unknown as Container
  const engine = {
    start: async () => Promise.reject(refusal('no-network', 'network web not found')),
    remove: async (id: string) => void removed.push(id),
  }
  const outcome = await launch(engine, {}, { container })
  expect(outcome).toBe('fails: not startable: mine was made by hand, and its network is gone')
  expect(removed).toEqual([])
})
