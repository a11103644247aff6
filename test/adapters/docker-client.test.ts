import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openClient } from '../../adapters/docker-client.ts'

describe('what a call costs beside itself', () => {
  let server: Server
  let url: string

  beforeEach(async () => {
    server = createServer(() => {}).listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`
  })

  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  // As docker-modem describes what it sends, at each call and whether anybody listens.
  const described = (docker: unknown): string =>
    inspect(docker, { showHidden: true, depth: null, maxStringLength: null })

  it('is not more the more calls are under way', async () => {
    const { docker } = openClient(url)
    const { agent } = docker.modem as unknown as { agent: object }
    const before = described(agent)
    const waits = Array.from({ length: 5 }, () => docker.getContainer('a').wait())
    for (const wait of waits) wait.catch(() => {})
    await once(server, 'request')
    expect(Object.keys((agent as { sockets: object }).sockets)).not.toEqual([])
    expect(described(agent)).toBe(before)
  })

  it.each([
    { kind: 'a socket', url: 'unix:///run/none.sock', access: {} },
    {
      kind: 'TLS',
      url: 'tcp://127.0.0.1:1',
      access: { tls: { ca: Buffer.from('of many bytes') } },
    },
    { kind: 'ssh', url: 'ssh://user@127.0.0.1', access: {} },
  ])('does not contain the agent of $kind, with its certificates', ({ url, access }) => {
    const { docker, close } = openClient(url, access)
    expect(described((docker.modem as unknown as { agent: object }).agent)).toBe('Agent')
    close()
  })
})
