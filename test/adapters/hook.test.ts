import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openHook } from '../../adapters/hook.ts'

const question = { name: 'shop', method: 'POST', uri: '/shop/a%2Fb?x=1&y' }
const soon = (ms = 5_000): AbortSignal => AbortSignal.timeout(ms)

describe('an HTTP hook', () => {
  let server: Server
  let origin: string
  let seen: string[] = []
  let answer: (request: IncomingMessage, response: ServerResponse) => void = () => {}

  beforeAll(async () => {
    server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url}`)
      answer(request, response)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  const ask = (signal = soon()) => {
    seen = []
    const hook = openHook(`${origin}/may?key=1`)
    if (!hook) throw new Error('no hook')
    return hook.ask(question, signal)
  }

  it('is asked with name, method and uri in its query', async () => {
    answer = (_request, response) => response.end('{"allow":true}')
    expect(await ask()).toEqual({ from: 'http', status: 200, body: '{"allow":true}' })
    expect(seen).toEqual(['GET /may?key=1&name=shop&method=POST&uri=%2Fshop%2Fa%252Fb%3Fx%3D1%26y'])
  })

  it('that redirects is not followed', async () => {
    answer = (_request, response) => response.writeHead(302, { location: '/other' }).end()
    expect(await ask()).toMatchObject({ status: 302 })
    expect(seen).toHaveLength(1)
  })

  it('that answers too much, breaks off or says nothing is no answer', async () => {
    answer = (_request, response) => response.end(`{"allow":true}${' '.repeat(5_000)}`)
    await expect(ask()).rejects.toThrow('4096')
    answer = (request) => request.socket.destroy()
    await expect(ask()).rejects.toThrow()
    answer = () => {}
    await expect(ask(soon(100))).rejects.toThrow()
  })
})

describe('a module', () => {
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hook-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  async function module(source: string) {
    const path = join(folder, `${Math.random().toString(36).slice(2)}.mjs`)
    await writeFile(path, source)
    const hook = openHook(path)
    if (!hook) throw new Error('no hook')
    return hook
  }

  it('gets the request and its answer comes back', async () => {
    const hook = await module(
      'export default async ({ name, method, uri }) => ({ allow: name === "shop", method, uri })',
    )
    const value = { allow: true, method: 'POST', uri: question.uri }
    expect(await hook.ask(question, soon())).toEqual({ from: 'module', value })
    await hook.close()
  })

  it('that throws, exits or cannot be loaded gives no answer', async () => {
    for (const source of [
      'export default () => { throw new Error("broken") }',
      'export default () => process.exit(0)',
      'export default () => () => true',
      'syntax error',
      'export const other = 1',
    ]) {
      const hook = await module(source)
      await expect(hook.ask(question, soon())).rejects.toThrow()
      await hook.close()
    }
  })

  it('that never ends stops nobody, and later questions are answered', async () => {
    const hook = await module(
      'export default ({ name }) => { while (name === "stuck"); return new Promise((done) => setTimeout(done, name === "slow" ? 400 : 0, true)) }',
    )
    await hook.ask(question, soon())
    const slow = hook.ask({ ...question, name: 'slow' }, soon(100))
    const fine = hook.ask(question, soon())
    await expect(slow).rejects.toThrow()
    expect(await fine).toMatchObject({ value: true })
    await expect(hook.ask({ ...question, name: 'stuck' }, soon(100))).rejects.toThrow()
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect(await hook.ask(question, soon())).toMatchObject({ value: true })
    await hook.close()
  })
})

it('is none where none is set', () => {
  expect(openHook('')).toBeNull()
})
