import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readAnswer } from '../../../adapters/http-answer.ts'
import { parseNetwork } from '../../../model/address.ts'
import { PoolFile } from '../../../model/pool-plan.ts'
import { Prober } from '../../../registrar/pool/prober.ts'
import { targetsOf } from '../../../registrar/pool/targets.ts'
import { eventually } from '../process.ts'
import { type LabServer, PAGE, says, startServer } from './server.ts'

const policy = {
  networks: [parseNetwork('127.0.0.0/8') ?? expect.fail()],
  denied: new Set(['127.0.0.9:8080']),
}
let server: LabServer
let ending: AbortController
let inside: Set<string>
let news: string[]
let running: Promise<void>
let prober: Prober

const targets = (...ports: number[]) =>
  targetsOf(
    PoolFile.parse({
      static: { scan: { addresses: '127.0.0.1', ports, startsWith: '<!D' } },
      dynamic: { scan: { addresses: '127.0.0.1', ports, json: 'array' } },
    }),
    policy,
  )
const probe = (interval: number, ...ports: number[]) => {
  prober = new Prober({
    targets: targets(...ports),
    read: readAnswer,
    interval,
    onChange: (pool, address, isIn) => {
      news.push(`${isIn ? '+' : '-'}${pool}`)
      if (isIn) inside.add(`${pool} ${address}`)
      else inside.delete(`${pool} ${address}`)
    },
    count: () => {},
    log: pino({ level: 'silent' }),
  })
  running = prober.run(ending.signal)
}
const isIn = (pool: string, who = server) => inside.has(`${pool} ${who.address}`)

beforeEach(async () => {
  ending = new AbortController()
  inside = new Set()
  news = []
  server = await startServer(says(PAGE))
})
afterEach(async () => {
  ending.abort()
  await running
  await server.stop()
})

describe('a prober', () => {
  it('finds the pool of a server by its answer, and finds it again when that changes', async () => {
    probe(1, server.port)
    await eventually(() => isIn('static'))
    server.answer = says('[{"name":"x"}]')
    await eventually(() => isIn('dynamic') && !isIn('static'))
    server.answer = says('{}')
    await eventually(() => inside.size === 0)
    expect(news).toEqual(['+static', '+dynamic', '-static', '-dynamic'])
  })

  it('does not take one bad answer for the end', async () => {
    // a probe may take 375 ms
    probe(2, server.port)
    await eventually(() => isIn('static'))
    for (let turn = 0; turn < 5; turn++) {
      server.answer = (response) => {
        server.answer = says(PAGE)
        response.writeHead(500).end()
      }
      const before = server.count
      await eventually(() => server.count >= before + 3, 30_000)
    }
    expect(news).toEqual(['+static'])
  }, 60_000)

  it.each<[string, LabServer['answer']]>([
    ['nothing', () => {}],
    ['a head and no body', (response) => response.writeHead(200).flushHeaders()],
    ['a byte now and then', (response) => trickle(response, PAGE)],
    [
      'less than it announced',
      (response) => {
        response.writeHead(200, { 'content-length': 1000 }).write(PAGE)
        setTimeout(() => response.destroy(), 20)
      },
    ],
    ['what is no HTTP', (response) => void response.socket?.end('SSH-2.0-OpenSSH_9.2\r\n')],
    [
      'a head without an end',
      (response) => {
        response.socket?.write(`HTTP/1.1 200 OK\r\nx: ${'a'.repeat(100_000)}`)
      },
    ],
    [
      'a redirect to a page',
      (response) => void response.writeHead(302, { location: '/page' }).end(PAGE),
    ],
    ['an error with the right body', says(PAGE, 503)],
    [
      'nothing but 103',
      (response) => void setInterval(() => response.writeEarlyHints({ link: '</x>' }), 20).unref(),
    ],
  ])('is not held up by %s', async (_, answer) => {
    const other = await startServer(says(PAGE))
    server.answer = answer
    try {
      probe(1, server.port, other.port)
      await eventually(() => isIn('static', other))
      await eventually(() => server.count > 3)
      expect([...inside]).toEqual([`static ${other.address}`])
    } finally {
      await other.stop()
    }
  })

  it('reads no more of a body than it needs', async () => {
    let sent = 0
    server.answer = (response) => {
      response.write(PAGE)
      const chunk = 'x'.repeat(65_536)
      const more = (): void => {
        while (!response.destroyed && sent < 1e8) {
          sent += chunk.length
          if (!response.write(chunk)) return void response.once('drain', more)
        }
      }
      more()
    }
    probe(1, server.port)
    await eventually(() => isIn('static'))
    ending.abort()
    await running
    expect(sent / server.count).toBeLessThan(2e7)
  })

  it('does not take a gateway for a server', async () => {
    server.answer = (response, path) =>
      void response.end(path === '/_reveille/generation' ? '12' : PAGE)
    probe(1, server.port)
    await eventually(() => server.count > 6)
    expect(news).toEqual([])
    server.answer = says(PAGE)
    await eventually(() => isIn('static'))
  })

  it('asks again at once when somebody removed a server', async () => {
    probe(300, server.port)
    await eventually(() => isIn('static'))
    prober.doubt('static', server.address, ending.signal)
    expect(isIn('static')).toBe(false)
    await eventually(() => isIn('static'))
    await server.stop()
    prober.doubt('static', server.address, ending.signal)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(news).toEqual(['+static', '-static', '+static', '-static'])
  })

  it('finds a server among many places that swallow connects, within its interval', async () => {
    // a listener that accepts nobody: connects hang in its backlog once that is full, as with a firewall
    const deaf = createServer().listen({ port: 0, host: '127.0.0.2', backlog: 1 })
    await new Promise((resolve) => deaf.once('listening', resolve))
    const { port } = deaf.address() as AddressInfo
    deaf.on('connection', (socket) => socket.pause())
    const silent = targetsOf(
      PoolFile.parse({ static: { scan: { addresses: '127.0.0.2', ports: [port] } } }),
      policy,
    )
    const many = Array.from({ length: 799 }, () => silent[0] ?? expect.fail())
    const slow = 4
    prober = new Prober({
      targets: [...many.map((target) => ({ ...target })), ...targets(server.port)],
      read: readAnswer,
      interval: slow,
      onChange: (pool, address, isNow) => void (isNow && inside.add(`${pool} ${address}`)),
      count: () => {},
      log: pino({ level: 'silent' }),
    })
    const began = performance.now()
    running = prober.run(ending.signal)
    await eventually(() => isIn('static'))
    const took = performance.now() - began
    deaf.close()
    expect(took).toBeLessThan(slow * 2000) // one after the other they would take ten minutes
  })
})

describe('where a prober looks', () => {
  const plan = (scan: object) => targetsOf(PoolFile.parse({ a: { scan } }), policy)
  it('is each place once, but no address of the control plane', () => {
    expect(
      plan([
        { addresses: '127.0.0.8-127.0.0.9', ports: 8080 },
        { addresses: '127.0.0.8', ports: 8080 },
      ]),
    ).toMatchObject([{ address: '127.0.0.8:8080', rules: [{ pool: 'a' }, { pool: 'a' }] }])
  })
  it.each<[object, RegExp]>([
    [{ addresses: '10.0.0.1' }, /outside the host networks/],
    [{ addresses: '127.0.0.1', ports: 2379 }, /control plane/],
    [Array.from({ length: 5 }, (_, i) => ({ addresses: `127.0.${i}.0/24` })), /more than 800/],
  ])('is not %j', (scan, reason) => {
    expect(() => plan(scan)).toThrow(reason)
  })
})

function trickle(response: ServerResponse, text: string): void {
  let at = 0
  const timer = setInterval(() => response.write(text[at++ % text.length] as string), 50)
  response.once('close', () => clearInterval(timer))
}
