import { type AddressInfo, createServer } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Carrier } from '../../../launcher/carry/carrier.ts'
import { createCarryServer } from '../../../launcher/carry/server.ts'
import type { LabLauncher } from '../../lab/launcher.ts'
import { type Backend, startBackend } from '../../templates/backend.ts'
import { startCarrying } from '../../templates/carrying.ts'
import { bodyOf, seen, sendRaw, statusOf } from '../../templates/raw.ts'

let launcher: LabLauncher
let shop: Backend
const port = () => Number(launcher.address.split(':')[1])
const send = (head: string, body = '') =>
  sendRaw(
    port(),
    `${head}\r\nHost: g\r\nX-Reveille-Carry: shop\r\nX-Forwarded-Prefix: /shop\r\nConnection: close\r\n\r\n${body}`,
  )

beforeAll(async () => {
  ;[launcher, shop] = await Promise.all([startCarrying(), startBackend('shop')])
})
afterAll(() => Promise.all([launcher.stop(), shop.stop()]))
beforeEach(() => {
  launcher.asks.length = 0
  launcher.script = () => ({ upstream: shop.address })
  shop.extra = []
})

describe('a request that says its length in two ways', () => {
  it.each([
    [
      'POST /x HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked',
      '0\r\n\r\nGET /y HTTP/1.1\r\n\r\n',
    ],
    ['POST /x HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 5', 'abcde'],
    ['POST /x HTTP/1.1\r\nTransfer-Encoding: chunked, identity', '0\r\n\r\n'],
    ['POST /x HTTP/1.1\r\nTransfer-Encoding: xchunked', '0\r\n\r\n'],
    ['POST /x HTTP/1.1\r\nContent-Length: +4', 'abcd'],
  ])('is refused: %j', async (head, body) => {
    const before = shop.count
    expect(statusOf(await send(head, body))).toBe(400)
    expect(shop.count).toBe(before)
    expect(launcher.asks).toEqual([])
  })
})

describe('a request that asks for another protocol', () => {
  it.each([
    ['POST /x HTTP/1.1\r\nUpgrade: websocket\r\nContent-Length: 4', 'abcd'],
    ['GET /x HTTP/1.1\r\nUpgrade: websocket\r\nContent-Length: 4', 'abcd'],
    ['GET /x HTTP/1.1\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked', '0\r\n\r\n'],
  ])('has no body: %j', async (head, body) => {
    const before = shop.count
    const upgrading = `${head}\r\nHost: g\r\nX-Reveille-Carry: shop\r\nConnection: upgrade\r\n\r\n${body}`
    expect(statusOf(await sendRaw(port(), upgrading))).toBe(400)
    expect(shop.count).toBe(before)
  })

  it('and is not carried is refused', async () => {
    const other =
      'GET /wake HTTP/1.1\r\nHost: g\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'
    expect(statusOf(await sendRaw(port(), other))).toBe(400)
    expect(launcher.asks).toEqual([])
  })
})

it('the app is told nothing of the connection, nor of what gateway and launcher say', async () => {
  const answer = await sendRaw(
    port(),
    'GET /x HTTP/1.1\r\nHost: g\r\nX-Reveille-Carry: shop\r\nX-Reveille-Pin: p\r\nX-Own: kept\r\nX-Hop: x\r\nTE: trailers\r\nKeep-Alive: 5\r\nConnection: close, X-Hop, Host\r\n\r\n',
  )
  const { headers } = seen(answer)
  expect(headers).toMatchObject({ host: 'g', 'x-own': 'kept' })
  for (const name of ['x-hop', 'te', 'keep-alive', 'x-reveille-carry', 'x-reveille-pin'])
    expect(headers).not.toHaveProperty(name)
})

it('an app cannot speak for the launcher, and sets as many cookies as it likes', async () => {
  shop.extra = ['X-Reveille-Page', '404', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']
  const answer = await send('GET /x HTTP/1.1')
  expect(answer).not.toMatch(/x-reveille/i)
  expect(answer.match(/^set-cookie: .*$/gim)).toEqual(
    ['Set-Cookie: a=1', 'Set-Cookie: b=2'].map((line) =>
      expect.stringMatching(new RegExp(`^${line}\\r?$`, 'i')),
    ),
  )
})

it('what cannot be reached is asked about again, told what was dead, and then given up', async () => {
  launcher.script = () => ({ upstream: '127.0.0.1:1' })
  const answer = await send('POST /x HTTP/1.1\r\nContent-Length: 3', 'abc')
  expect(statusOf(answer)).toBe(502)
  expect(launcher.asks.map(({ dead }) => dead)).toEqual(['', '127.0.0.1:1', '127.0.0.1:1'])
  launcher.asks.length = 0
  launcher.script = ({ dead }) => ({ upstream: dead === '' ? '127.0.0.1:1' : shop.address })
  expect(seen(await send('POST /x HTTP/1.1\r\nContent-Length: 3', 'abc'))).toMatchObject({
    bytes: 3,
  })
})

it('an answer that breaks off breaks off for the client, one that does not come is a 502', async () => {
  const broken = await send('GET /break HTTP/1.1')
  expect(broken).toMatch(/^content-length: 100000\r$/im)
  expect(bodyOf(broken).length).toBeLessThan(100_000)
  const none = await send('GET /drop HTTP/1.1')
  expect(statusOf(none)).toBe(502)
  expect(none).toMatch(/^x-reveille-page: 502\r$/im)
})

it('what nobody asked to carry is not carried', async () => {
  expect(
    statusOf(
      await sendRaw(port(), 'GET /healthz HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n'),
    ),
  ).toBe(200)
  expect(launcher.asks).toEqual([])
})

it('the head of a request is not waited for without end', () => {
  const carrier = { carry: () => Promise.resolve() } as unknown as Carrier
  const { headersTimeout, requestTimeout } = createCarryServer(() => {}, carrier)
  expect(headersTimeout).toBeGreaterThan(0)
  expect(headersTimeout).toBeLessThanOrEqual(60_000)
  // bodies are
  expect(requestTimeout).toBe(0)
})

it('an app that only ever says that the client is to go on gets nothing more, and the client a 502', async () => {
  const hints = 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(1_000)
  let isOver = false
  const flood = createServer((socket) => {
    socket
      .on('error', () => {})
      .on('close', () => {
        isOver = true
      })
    const more = (): void => {
      if (!socket.destroyed) socket.write(hints, () => setImmediate(more))
    }
    more()
  })
  await new Promise<void>((resolve) => flood.listen(0, '127.0.0.1', resolve))
  const { port: at } = flood.address() as AddressInfo
  launcher.script = () => ({ upstream: `127.0.0.1:${at}` })
  const answer = await send('POST /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1', 'x')
  expect(answer).toContain('HTTP/1.1 502')
  expect(answer.split('100 Continue').length).toBeLessThan(5)
  await expect.poll(() => isOver).toBe(true)
  flood.close()
})
