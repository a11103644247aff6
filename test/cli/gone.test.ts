import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CliStage, openCliStage } from './stage.ts'

// A launcher that is killed while it answers a command: what was begun goes on elsewhere, and the command says how.

const STEPS: Record<string, object> = {
  wake: { app: 'shop', phase: 'starting' },
  replace: { app: 'shop', step: 'draining', slot: 0 },
}
const server = createServer((request, response) => {
  const verb = request.url?.split('/').at(-1) ?? ''
  if (verb.startsWith('logs')) response.writeHead(200, { 'content-type': 'text/plain' })
  else response.writeHead(200, { 'content-type': 'text/event-stream' })
  const data = JSON.stringify(STEPS[verb] ?? {})
  response.write(`event: progress\ndata: ${data}\n\n`, () => request.socket.destroy())
})
let stage: CliStage
let api: string[]
beforeAll(async () => {
  stage = await openCliStage()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  api = ['--api', `http://127.0.0.1:${(server.address() as AddressInfo).port}`]
})
afterAll(async () => {
  await stage.close()
  server.close()
})

test('A replace says that it is to be run again, and when.', async () => {
  const { code, err } = await stage.cli(['app', 'replace', 'shop', '--image', 'shop:2', ...api])
  expect(code).toBe(1)
  expect(err).toContain('shop/0 open requests may end\nerror: the launcher went away meanwhile\n')
  expect(err).toContain('Run this again once its lease is over')
})

test('A wake says the same of the app that was starting.', async () => {
  const { code, err } = await stage.cli(['wake', 'shop', ...api])
  expect(code).toBe(1)
  expect(err).toContain('error: the launcher went away while shop was starting\n')
})

test('Logs end with an error too, not as if there were no more.', async () => {
  const { code, err } = await stage.cli(['logs', 'shop', '-f', ...api])
  expect(code).toBe(1)
  expect(err).toContain(`error: the launcher at ${api[1]} went away\n`)
})
