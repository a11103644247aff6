import { createServer, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { EngineTls } from '../../adapters/docker-client.ts'
import { openEngine } from '../../adapters/docker-open.ts'
import { App } from '../../model/app.ts'
import { makeCa, makeCertificate, readTls } from '../lab/certificate.ts'
import { command } from '../lab/command.ts'
import { temporaryFolder } from '../lab/folder.ts'
import { type SecureEngine, startSecureEngine } from '../lab/secure-engine.ts'

let folder: string
let secure: SecureEngine
let tls: EngineTls

beforeAll(async () => {
  folder = await temporaryFolder()
  secure = await startSecureEngine(`${folder}/engine`)
  tls = await readTls(secure.ca, secure.client)
})

afterAll(async () => {
  for (const server of servers) server.close()
  await secure.stop()
})

const answer: RequestListener = (_request, response) => response.end('OK')
const servers: Server[] = []

async function serve(server: Server): Promise<string> {
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Connections to the engine that somebody holds open. */
async function connections(): Promise<number> {
  const filter = ['dst', secure.address, 'and', 'dport', '=', ':2376']
  const open = await command('ss', '-Htn', 'state', 'established', ...filter)
  return open.split('\n').filter(Boolean).length
}

/** How a ping fails: its code and words. */
async function failure(url: string, shown: EngineTls | null): Promise<string> {
  const error = await openEngine(url, { tls: shown })
    .ping()
    .then(
      () => null,
      (failed: Error & { code?: string }) => failed,
    )
  return `${error?.code}: ${error?.message}`
}

test('an engine is reached by TLS, and its events are followed', async () => {
  const engine = openEngine(secure.url, { tls })
  await engine.ping()
  expect(await engine.list()).toEqual([])
  expect((await engine.info()).cpus).toBeGreaterThan(0)
  const events = engine.events(await engine.time(), AbortSignal.timeout(300))
  await expect(events.next()).rejects.toMatchObject({ code: 'aborted' })
})

test('a daemon that was started anew is reached again by the same client', async () => {
  const engine = openEngine(secure.url, { tls })
  await engine.ping()
  await secure.dockerd.end()
  await expect(engine.ping()).rejects.toMatchObject({ code: 'unreachable' })
  expect(await failure(secure.url, tls)).toMatch(/unreachable: .*ECONNREFUSED.*dockerd run/)
  secure.dockerd = await secure.start()
  await engine.ping()
})

test('a daemon that hangs costs 3 s once, then nothing, until it goes on', async () => {
  const pace = { every: 750, rest: 3_000, limit: 1_000, misses: 2, unsure: 2, long: 10_000 }
  const engine = openEngine(secure.url, { tls, pace })
  const codeOf = (call: Promise<unknown>): Promise<unknown> =>
    call.then(
      () => 'answered',
      (error: { code?: string }) => error.code,
    )
  try {
    expect(await codeOf(engine.list())).toBe('answered')
    await secure.dockerd.signal('SIGSTOP')
    const began = performance.now()
    const many = Promise.all(Array.from({ length: 30 }, () => codeOf(engine.list())))
    const pull = codeOf(engine.pull('x:1', () => {}, AbortSignal.timeout(20_000)))
    const slow = engine.create({
      name: 'x',
      app: App.parse({ name: 'X', image: 'x:1' }),
      labels: {},
      publish: secure.address,
    })
    expect(await codeOf(slow)).toBe('unreachable')
    expect(await many).toEqual(Array(30).fill('unreachable'))
    expect(performance.now() - began).toBeLessThan(5_000)
    const later = performance.now()
    for (let each = 0; each < 100; each++) expect(await codeOf(engine.list())).toBe('unreachable')
    expect(performance.now() - later).toBeLessThan(500)
    expect(await connections()).toBeLessThanOrEqual(5)
    expect(await Promise.race([pull, Promise.resolve('under way')])).toBe('under way')
    await secure.dockerd.signal('SIGCONT')
    await expect.poll(() => codeOf(engine.list())).toBe('answered')
  } finally {
    await secure.dockerd.signal('SIGCONT')
    engine.close()
  }
})

test('what is wrong with the certificates is said', async () => {
  const stranger = await makeCa(folder, 'stranger')
  const foreign = await makeCertificate(folder, 'foreign', stranger)
  expect(await failure(secure.url, await readTls(stranger, secure.client))).toMatch(
    /unreachable: .*not signed by the CA given as --docker-ca/,
  )
  expect(await failure(secure.url, await readTls(secure.ca))).toMatch(
    /unreachable: .*refuses our client certificate/,
  )
  expect(await failure(secure.url, await readTls(secure.ca, foreign))).toMatch(
    /unreachable: .*refuses our client certificate/,
  )
  expect(await failure(secure.url, null)).toMatch(/unreachable: .*speaks TLS there/)
})

test('an engine without TLS, and one that proves to be another, are told apart', async () => {
  expect(await failure(await serve(createServer(answer)), tls)).toMatch(
    /unreachable: .*speaks no TLS there/,
  )
  const own = await makeCertificate(folder, 'elsewhere', secure.ca, ['10.0.0.1'])
  const other = createSecureServer(await readTls(secure.ca, own), answer)
  expect(await failure(await serve(other), tls)).toMatch(/unreachable: .*subjectAltName/)
})

test('a machine that is not there is said to be down', async () => {
  const absent = secure.url.replace(secure.address, secure.address.replace(/\d+$/, '250'))
  expect(await failure(absent, tls)).toMatch(
    /unreachable: .*(?:did not answer within|machine is down)/,
  )
})
