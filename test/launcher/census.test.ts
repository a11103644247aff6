import { beforeEach, expect, test } from 'vitest'
import { Census } from '../../launcher/census.ts'

/** An engine of one container, called by how often it was asked before; answers may be held back. */
class Played {
  lists = 0
  pings = 0
  hangs: 'nothing' | 'lists' | 'lists until it is pinged' | 'everything' = 'nothing'
  fails = false
  #held: (() => void)[] = []

  async list() {
    const name = String(this.lists++)
    if (this.hangs !== 'nothing') await this.#hold()
    if (this.fails) throw new Error('it answers no pings')
    return [{ id: 'a', name, labels: {}, state: 'running', exitCode: 0, error: '' } as const].map(
      (known) => ({ ...known, health: 'none' as const, published: {}, pid: 1, image: 'i' }),
    )
  }

  async ping(): Promise<void> {
    this.pings++
    if (this.hangs === 'lists until it is pinged') this.resume()
    if (this.hangs === 'everything') await this.#hold()
  }

  resume(): void {
    this.hangs = 'nothing'
    for (const go of this.#held.splice(0)) go()
  }

  #hold = (): Promise<void> => new Promise((resolve) => void this.#held.push(resolve))
}

let engine: Played
let census: Census
beforeEach(() => {
  engine = new Played()
  census = new Census({ at: () => engine })
})

const look = async (): Promise<string | null> => (await census.look('e'))?.[0]?.name ?? null
const list = async (patience?: number): Promise<string | null> =>
  (await census.list('e', patience))?.[0]?.name ?? null

test('who comes while an engine is asked gets what it has from then on, all in one call', async () => {
  expect(await Promise.all([list(), look(), list(), look()])).toEqual(['0', '1', '1', '1'])
  expect(await list()).toBe('2')
  expect(engine.pings).toBe(0)
})

test('an engine that gives no sign of life is given up once, and then at once', async () => {
  engine.hangs = 'everything'
  expect(await look()).toBeNull()
  for (let more = 0; more < 5; more++) {
    const outcome = await Promise.race([look(), new Promise((go) => setTimeout(go, 40, 'waits'))])
    expect(outcome).toBeNull()
  }
  expect([engine.lists, engine.pings]).toEqual([1, 1])
  engine.resume()
  await expect.poll(look).not.toBeNull()
})

test('one that falls silent at the next call is given up as soon as at the first', async () => {
  engine.hangs = 'lists'
  const first = list(30_000)
  const second = look()
  await expect.poll(() => engine.pings, { interval: 5 }).toBe(1)
  engine.resume()
  engine.hangs = 'everything'
  expect(await first).toBe('0')
  expect(await second).toBeNull()
  expect([engine.lists, engine.pings]).toEqual([2, 2])
  engine.resume()
})

test('one that lives may take its time, but not for ever', async () => {
  engine.hangs = 'lists until it is pinged'
  expect(await look()).toBe('0')
  engine.hangs = 'lists'
  expect(await look()).toBeNull()
})

test('who must know waits for as long as its patience lasts, counted from when the engine was asked', async () => {
  engine.hangs = 'everything'
  const first = list(30_000)
  expect(await look()).toBeNull()
  expect(await list(100)).toBeNull()
  engine.resume()
  expect(await first).toBe('0')
})

test('an engine that is slow but answers in time does so for whoever comes, whenever that is', async () => {
  const slow = new Census({
    at: () => ({
      ping: async () => {},
      list: async () => {
        await new Promise((resolve) => setTimeout(resolve, 600))
        return []
      },
    }),
  })
  const first = slow.list('e', 1_000)
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(await slow.list('e', 1_000)).toEqual([])
  expect(await first).toEqual([])
})

test('one that fails is asked again by whoever comes next, and its failure is nobody else’s', async () => {
  engine.fails = true
  expect(await Promise.all([list(), look(), look()])).toEqual([null, null, null])
  engine.fails = false
  expect(await list()).toBe('2')
})

test('an address that is no engine’s is one that does not answer', async () => {
  const none = new Census({
    at: () => {
      throw new Error('not an engine')
    },
  })
  expect([await none.list('x'), await none.look('x')]).toEqual([null, null])
})
