import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hostile } from '../../hostile/corpus.ts'
import { freePort } from '../../lab/port.ts'
import { raw } from './raw.ts'
import { bearer, openStage, type Stage, TOKEN } from './stage.ts'

let stage: Stage
let port: number
beforeAll(async () => {
  port = await freePort()
  stage = await openStage({ listen: `127.0.0.1:${port}`, hosts: ['reveille.example'] })
  await stage.api.listen({ host: '127.0.0.1', port })
  await stage.ask('POST', '/v1/apps', { name: 'there', image: 'shop:1' })
})
afterAll(() => stage.close())

const payload = JSON.stringify({ name: 'made', image: 'shop:1' })

describe.each(hostile('api.header'))('$value ($why)', ({ value }) => {
  const query = value.startsWith('?') ? value : ''
  const header = query === '' ? value : ''
  const name = header.split(':')[0]?.toLowerCase() ?? ''
  /** A request that is right but for the one header. */
  const request = (method: string, path: string, body: string): [string[], string] => {
    const own = [
      ['host', `Host: 127.0.0.1:${port}`],
      ['authorization', `Authorization: Bearer ${TOKEN}`],
      ['content-type', 'Content-Type: application/json'],
      ['content-length', `Content-Length: ${body.length}`],
    ].flatMap(([key, line]) => (key === name || line === undefined ? [] : [line]))
    const lines = header === '' ? own : [...own, header]
    return [[`${method} ${path}${query} HTTP/1.1`, ...lines], name === 'content-length' ? '' : body]
  }

  test('changes nothing', async () => {
    const before = await stage.contents()
    const made = await raw(port, ...request('POST', '/v1/apps', payload))
    expect(made).toMatch(/^HTTP\/1\.1 4(?:00|01|03|15|21|31) /)
    expect(made).toContain('application/problem+json')
    expect(made).not.toMatch(/access-control/i)
    if (name !== 'content-length' && name !== 'content-type') {
      // where no body is wanted, an empty one means nothing; its type neither
      const gone = await raw(port, ...request('DELETE', '/v1/apps/there', ''))
      expect(gone).toMatch(/^HTTP\/1\.1 4(?:00|01|03|15|21|31) /)
    }
    expect(await stage.contents()).toEqual(before)
    expect(stage.log.join('')).not.toContain('secret')
  })
})

describe('the token', () => {
  const paths = [
    '/v1/apps',
    '/v1/apps/there',
    '/v1/apps/there/logs',
    '/v1/blueprints',
    '/v1/instances',
    '/v1/hosts',
    '/v1/gateways',
    '/v1/events',
    '/v1/nothing',
  ]
  test.each(paths)('is needed for %s', async (url) => {
    const wrong = ['', 'Bearer', 'Bearer wrong', `Basic ${TOKEN}`, `bearer-${TOKEN}`, TOKEN]
    for (const authorization of wrong) {
      const answer = await stage.api.inject({ url, headers: { authorization } })
      expect(answer.json()).toEqual({
        type: 'urn:reveille:problem:unauthorized',
        title: 'A valid token is needed',
        status: 401,
      })
      expect(answer.headers['www-authenticate']).toContain('Bearer')
    }
  })

  test('is not needed for health, metrics and the description', async () => {
    for (const url of ['/healthz', '/metrics', '/openapi.json'])
      expect((await stage.api.inject({ url })).statusCode).toBe(200)
  })
})

describe('other sites', () => {
  const post = (headers: Record<string, string>) =>
    stage.api.inject({
      method: 'POST',
      url: '/v1/apps',
      headers: { ...bearer, host: `127.0.0.1:${port}`, ...headers },
      payload: { image: 'shop:1' },
    })

  test('are refused whatever they send; our own pages are not', async () => {
    for (const headers of [
      { origin: 'http://127.0.0.1:1' },
      { origin: `http://localhost:${port}` },
      { origin: '' },
      { 'sec-fetch-site': 'same-site' },
    ])
      expect((await post(headers as Record<string, string>)).statusCode).toBe(403)
    for (const headers of [
      { origin: `http://127.0.0.1:${port}` },
      { 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'none' },
    ])
      expect((await post(headers as Record<string, string>)).statusCode).toBe(400) // no name given
  })

  test('cannot use a name of their own that resolves to us', async () => {
    const ask = async (host: string) =>
      (await stage.api.inject({ url: '/v1/apps', headers: { ...bearer, host } })).statusCode
    for (const host of [
      'localhost',
      'LOCALHOST:1',
      '127.0.0.1:9',
      '[::1]:8091',
      'reveille.example',
    ])
      expect(await ask(host)).toBe(200)
    for (const host of [
      'evil.test',
      '10.0.0.1',
      'localhost.evil.test',
      '127.0.0.1.evil.test:80',
      'a:b:c',
    ])
      expect(await ask(host)).toBe(421)
  })
})
