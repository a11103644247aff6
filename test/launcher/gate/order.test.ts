import { expect, it } from 'vitest'
import { decodeOrder, encodeOrder, type Order } from '../../../launcher/gate/order.ts'
import { problem } from '../../../model/problem.ts'

function order(detail: string): Order {
  const failed = problem('start-failed', { app: 'shop', detail, retryAfter: 4 })
  return { kind: 'problem', problem: failed, app: 'shop', wantsHtml: true, retryAfter: 4 }
}

it('comes back as it was', () => {
  const given = order('exited with code 1\nline "one"\nzwei: ü €')
  expect(decodeOrder(encodeOrder(given))).toEqual(given)
})

it('fits into a header, whatever an app wrote; the reason stays, the oldest lines go', () => {
  const lines = Array.from({ length: 10 }, (_, i) => `${i} ${'漢"'.repeat(200)}`)
  const encoded = encodeOrder(order(['exited with code 1', ...lines].join('\n')))
  expect(encoded.length).toBeLessThan(9_000)
  const kept = decodeOrder(encoded)?.problem.detail?.split('\n') ?? []
  expect(kept[0]).toBe('exited with code 1')
  expect(kept.at(-1)).toBe(lines.at(-1))
  const wide = ['etcd', 'a b', 'x'.repeat(5_500)].join(' ')
  expect(decodeOrder(encodeOrder(order(wide)))).not.toBeNull()
  const endless = encodeOrder(order('x'.repeat(100_000)))
  expect(endless.length).toBeLessThan(9_000)
  expect(decodeOrder(endless)).not.toBeNull()
})

it.each([
  '',
  '404',
  'e30',
  '!!!',
  Buffer.from('null').toString('base64url'),
  Buffer.from(JSON.stringify({ ...order('x'), app: '<script>' })).toString('base64url'),
  Buffer.from(JSON.stringify({ ...order('x'), problem: { status: 200 } })).toString('base64url'),
])('is nothing else: %j', (text) => {
  expect(decodeOrder(text)).toBeNull()
})
