import { expect, it } from 'vitest'
import type { Engine } from '../../../launcher/engine.ts'
import { freshList } from '../../../launcher/place/listing.ts'
import { find } from '../../../launcher/place/look.ts'
import { App } from '../../../model/app.ts'
import type { Container } from '../../../model/container.ts'
import { containerName } from '../../../model/name.ts'

const app = App.parse({ name: 'shop', image: 'shop:1' })
const own = {
  ...{ id: 'c1', name: containerName('shop', 0), labels: { 'reveille.app': 'shop' } },
  ...{ state: 'exited', image: 'shop:1', exitCode: 0, error: '', health: 'none' },
  ...{ published: {}, pid: 0 },
} satisfies Container

/** An engine with the container, whose lists end when the test says so, and what it was asked. */
function slow() {
  const asked: string[] = []
  const ends: (() => void)[] = []
  const engine = {
    inspect: async () => {
      asked.push('inspect')
      return own
    },
    list: async () => {
      asked.push('list')
      await new Promise<void>((end) => ends.push(end))
      return [own]
    },
  } as unknown as Engine
  return { engine, asked, ends }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

it('asks for the one container, also while a list is under way: that may be too old', async () => {
  const { engine, asked, ends } = slow()
  const list = freshList(engine)
  await turn()
  expect(await find(engine, app, 0)).toEqual(own)
  expect(asked).toEqual(['list', 'inspect'])
  ends[0]?.()
  await list
})

it('asks nothing more where a list is about to be made that will tell', async () => {
  const { engine, asked, ends } = slow()
  const first = freshList(engine)
  await turn()
  const next = freshList(engine)
  const found = find(engine, app, 0)
  await turn()
  ends[0]?.()
  await first
  await turn()
  ends[1]?.()
  expect(await found).toEqual(own)
  expect(await next).toEqual([own])
  expect(asked).toEqual(['list', 'list'])
})
