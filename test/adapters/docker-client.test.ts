import { inspect } from 'node:util'
import type Docker from 'dockerode'
import { afterEach, expect, it, vi } from 'vitest'
import { openClient } from '../../adapters/docker-client.ts'

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
