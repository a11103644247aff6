import { expect, test } from 'vitest'
import { eventsOf, linesOf } from '../../cli/stream.ts'

async function* chunks(...parts: (string | Buffer)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part)
}

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const value of values) list.push(value)
  return list
}

test('Lines are put together from chunks that end anywhere, also inside a character.', async () => {
  const text = Buffer.from('one\r\ntwo ü\nthree')
  const cut = [text.subarray(0, 2), text.subarray(2, 10), text.subarray(10)]
  expect(await all(linesOf(chunks(...cut)))).toEqual(['one', 'two ü', 'three'])
})

test('A line without an end is cut at a mebibyte instead of filling the memory.', async () => {
  const lines = await all(linesOf(chunks('x'.repeat(3_000_000), '\nshort\n')))
  expect(lines.map((line) => line.length)).toEqual([1024 ** 2, 5])
})

test('Server-sent events have a name, joined data, and comments are left out.', async () => {
  const stream = chunks(
    ':\n\nevent: ready\ndata: {"a":\ndata: 1}\n\n',
    'data:x\nid: 7\n\nevent: cut',
  )
  expect(await all(eventsOf(linesOf(stream)))).toEqual([
    { event: 'ready', data: '{"a":\n1}' },
    { event: 'message', data: 'x' },
  ])
})
