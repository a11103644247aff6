import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../../lab/port.ts'
import { hostile } from './corpus.ts'
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

/** Sends a request as it is over a connection of its own; the whole answer as text. */
function raw(head: string[], body = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(port, '127.0.0.1')
    socket.setTimeout(5000, () => socket.destroy(new Error('no answer')))
    socket.on('data', (chunk) => {
      text += chunk.toString()
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(text))
    socket.write(`${[...head, 'Connection: close'].join('\r\n')}\r\n\r\n${body}`)
  })
}

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
    const made = await raw(...request('POST', '/v1/apps', payload))
    expect(made).toMatch(/^HTTP\/1\.1 4(?:00|01|03|15|21|31) /)
    expect(made).toContain('application/problem+json')
    expect(made).not.toMatch(/access-control/i)
    if (name !== 'content-length' && name !== 'content-type') {
      // where no body is wanted, an empty one means nothing; its type neither
      const gone = await raw(...request('DELETE', '/v1/apps/there', ''))
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

describe('every error is a problem', () => {
  const cases: [string, string[], string, number][] = [
    ['an unknown path', ['GET /nothing HTTP/1.1'], '', 404],
    ['an unknown method of a path', ['PATCH /v1/apps HTTP/1.1'], '', 404],
    ['a bad escape in the path', ['GET /v1/apps/%zz HTTP/1.1'], '', 400],
    ['a name that is none', ['GET /v1/apps/a%2fb HTTP/1.1'], '', 400],
    ['an unknown app', ['GET /v1/apps/unknown HTTP/1.1'], '', 404],
    ['an unknown parameter', ['GET /v1/apps?x=1 HTTP/1.1'], '', 400],
    ['no JSON', ['POST /v1/apps HTTP/1.1', 'Content-Type: application/json'], '{"a"', 400],
    ['an empty body', ['POST /v1/apps HTTP/1.1', 'Content-Type: application/json'], '', 400],
    [
      'a body that is no object',
      ['POST /v1/apps HTTP/1.1', 'Content-Type: application/json'],
      '[]',
      400,
    ],
    ['no type', ['POST /v1/apps HTTP/1.1'], '{}', 415],
    ['text', ['POST /v1/apps HTTP/1.1', 'Content-Type: text/plain'], '{}', 415],
    [
      'a form',
      ['POST /v1/apps HTTP/1.1', 'Content-Type: application/x-www-form-urlencoded'],
      'a=1',
      415,
    ],
    [
      'too much',
      ['POST /v1/apps HTTP/1.1', 'Content-Type: application/json'],
      'x'.repeat(256 * 1024 + 1),
      413,
    ],
  ]
  test.each(cases)('%s', async (_what, [line = '', ...more], body, status) => {
    const answer = await raw(
      [
        line,
        `Host: 127.0.0.1:${port}`,
        `Authorization: Bearer ${TOKEN}`,
        ...more,
        `Content-Length: ${body.length}`,
      ],
      body,
    )
    const [head = '', text = ''] = answer.split('\r\n\r\n')
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(head.toLowerCase()).toContain('content-type: application/problem+json')
    expect(JSON.parse(text)).toMatchObject({
      status,
      type: expect.stringMatching(/^urn:reveille:problem:./),
      title: expect.stringMatching(/./),
    })
  })

  test('what is no HTTP at all', async () => {
    expect(await raw(['nonsense'])).toMatch(/^HTTP\/1\.1 400 [^]*"type":"urn:reveille:problem:/)
    const long = await raw(['GET / HTTP/1.1', `X: ${'x'.repeat(20_000)}`])
    expect(long).toMatch(/^HTTP\/1\.1 431 [^]*"status":431/)
  })
})

test('etcd that is gone is a 503 without its address, and reads go on', async () => {
  const own = await openStage()
  await own.ask('POST', '/v1/apps', { name: 'there', image: 'shop:1' })
  await own.etcd.down()
  expect((await own.ask('GET', '/v1/apps/there')).statusCode).toBe(200)
  const answer = await own.ask('POST', '/v1/apps', { name: 'made', image: 'shop:1' })
  expect(answer.json()).toMatchObject({ status: 503, type: 'urn:reveille:problem:unavailable' })
  expect(answer.headers['retry-after']).toBe('5')
  expect(answer.body).not.toContain(new URL(own.etcd.url).port)
  await own.close()
})

test('a failure nobody foresaw shows nothing of the inside', async () => {
  const own = await openStage({
    control: {
      wake: async () => {
        throw new TypeError('secret of /etc/passwd')
      },
    },
  })
  await own.ask('POST', '/v1/apps', { name: 'there', image: 'shop:1' })
  const answer = await own.ask('POST', '/v1/apps/there/wake')
  expect(answer.json()).toEqual({
    type: 'urn:reveille:problem:internal',
    title: 'Something went wrong here',
    status: 500,
  })
  const stream = await own.ask('POST', '/v1/apps/there/wake?progress=1')
  expect(stream.body).toContain('event: failed\ndata: {"type":"urn:reveille:problem:internal"')
  expect(stream.body).not.toContain('passwd')
  expect(own.log.filter((line) => line.includes('secret of /etc/passwd'))).toHaveLength(2)
  await own.close()
})
