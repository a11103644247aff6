import { setTimeout as pause } from 'node:timers/promises'
import { inspect } from 'node:util'
import type Docker from 'dockerode'
import { afterEach, expect, it, vi } from 'vitest'
import { openClient } from '../../adapters/docker-client.ts'
import { labLeftovers } from '../lab/leftovers.ts'
import { pretendEngine } from './pretended-engine.ts'

const leftovers = labLeftovers()

afterEach(() => {
  vi.restoreAllMocks()
})

/** What docker-modem is about to send, described as it does that itself, at each call and whether anybody listens. */
async function described(open: () => { docker: Docker; close(): void }): Promise<string> {
  const probe = openClient('tcp://127.0.0.1:1')
  const modem = Object.getPrototypeOf(probe.docker.modem) as { buildRequest(call: object): void }
  const send = vi.spyOn(modem, 'buildRequest').mockImplementation(() => {})
  const { docker, close } = open()
  void docker.ping()
  await expect.poll(() => send.mock.calls.length).toBe(1)
  close()
  return inspect(send.mock.calls[0]?.[0], { showHidden: true, depth: null })
}

it.each([
  { kind: 'a socket', url: 'unix:///run/none.sock', access: {} },
  { kind: 'TLS', url: 'tcp://127.0.0.1:1', access: { tls: { ca: Buffer.from('of many bytes') } } },
  { kind: 'ssh', url: 'ssh://user@127.0.0.1', access: {} },
])('a call over $kind is not described with its agent, certificates and signal', async (line) => {
  expect(await described(() => openClient(line.url, line.access))).toBe('a call')
})

it('what asks through a socket takes one connection again and again, what changes something only one that has just answered', async () => {
  const { url, server } = await pretendEngine(leftovers, (_, response) => void response.end('OK'))
  let connections = 0
  server.on('connection', () => {
    connections += 1
  })
  const { docker } = openClient(url)
  for (let i = 0; i < 5; i += 1) await docker.ping()
  await docker.getContainer('shop').start()
  expect(connections).toBe(1)
  await pause(1_100)
  await docker.getContainer('shop').start()
  expect(connections).toBe(2)
  await docker.ping()
  expect(connections).toBe(2)
  // As an engine does that is started anew.
  server.closeAllConnections()
  await expect.poll(() => docker.ping().then(String)).toBe('OK')
  expect(connections).toBe(3)
})
