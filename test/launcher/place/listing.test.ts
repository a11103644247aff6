import { expect, it } from 'vitest'
import { freshList } from '../../../launcher/place/listing.ts'
import type { Container } from '../../../model/container.ts'

/** An engine whose lists end when the test says so. */
function slow() {
  const begun: PromiseWithResolvers<Container[]>[] = []
  const list = (): Promise<Container[]> => {
    const one = withResolvers<Container[]>()
    begun.push(one)
    return one.promise
  }
  return { engine: { list }, begun }
}

interface PromiseWithResolvers<T> {
  promise: Promise<T>
  resolve(value: T): void
  reject(error: Error): void
}

function withResolvers<T>(): PromiseWithResolvers<T> {
  let [resolve, reject]: [(value: T) => void, (error: Error) => void] = [() => {}, () => {}]
  const promise = new Promise<T>((yes, no) => {
    ;[resolve, reject] = [yes, no]
  })
  return { promise, resolve, reject }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

it('is one for all who ask while another is under way, and begins after they asked', async () => {
  const { engine, begun } = slow()
  const first = freshList(engine)
  await turn()
  const later = Array.from({ length: 50 }, () => freshList(engine))
  await turn()
  expect(begun).toHaveLength(1)
  begun[0]?.resolve([])
  expect(await first).toEqual([])
  await turn()
  expect(begun).toHaveLength(2)
  const seen = [{ id: 'made meanwhile' }] as Container[]
  begun[1]?.resolve(seen)
  for (const list of later) expect(await list).toBe(seen)
})

it('that fails fails for those who waited for it, and for nobody else', async () => {
  const { engine, begun } = slow()
  const first = freshList(engine)
  await turn()
  const second = freshList(engine)
  begun[0]?.reject(new Error('hangs'))
  await expect(first).rejects.toThrow('hangs')
  await turn()
  begun[1]?.resolve([])
  expect(await second).toEqual([])
})
