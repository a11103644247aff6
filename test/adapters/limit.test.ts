import { getEventListeners } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { makeCall } from '../../adapters/docker-call.ts'
import { limit } from '../../adapters/limit.ts'
import { Probe } from '../../adapters/probe.ts'

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve()))

test('a limit ends with its time, or with the signal it was given', async () => {
  const late = limit(undefined, 1)
  await aborted(late.signal)
  expect(late.isLate()).toBe(true)
  const outer = new AbortController()
  const left = limit(outer.signal, 60_000)
  outer.abort()
  expect([left.signal.aborted, left.isLate()]).toEqual([true, false])
  left.end()
  expect(limit(outer.signal, null).signal.aborted).toBe(true)
})

test('calls and probes leave nothing at a signal that outlives them', async () => {
  const { signal } = new AbortController()
  expect(await makeCall(() => Promise.resolve('done'), { signal })).toBe('done')
  await expect(makeCall(() => Promise.reject(new Error('no')), { signal })).rejects.toThrow('no')
  const server = createServer((request, response) => {
    if (request.url !== '/hangs') response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const at = { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
  const probe = new Probe(false)
  expect(await probe.http(at, '/', 5_000, signal)).toBe(true)
  expect(await probe.http(at, '/hangs', 50, signal)).toBe(false)
  server.close()
  expect(getEventListeners(signal, 'abort')).toEqual([])
  // What AbortSignal.any joins to it is kept here.
  expect(Object.getOwnPropertySymbols(signal).map(String)).not.toContain(
    'Symbol(kDependantSignals)',
  )
})
