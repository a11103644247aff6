import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../../lab/port.ts'
import { raw } from './raw.ts'
import { openStage, type Stage, TOKEN } from './stage.ts'

let stage: Stage
let port: number
beforeAll(async () => {
  port = await freePort()
  stage = await openStage({ listen: `127.0.0.1:${port}` })
  await stage.api.listen({ host: '127.0.0.1', port })
})
afterAll(() => stage.close())

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
      port,
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
    expect(await raw(port, ['nonsense'])).toMatch(
      /^HTTP\/1\.1 400 [^]*"type":"urn:reveille:problem:/,
    )
    const long = await raw(port, ['GET / HTTP/1.1', `X: ${'x'.repeat(20_000)}`])
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
