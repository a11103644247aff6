import type { ContainerInfo, ContainerInspectInfo } from 'dockerode'
import { expect, test } from 'vitest'
import { fromInspection, fromSummary, healthcheckCommand } from '../../adapters/docker-container.ts'
import { classify, EngineError, explain } from '../../adapters/docker-error.ts'
import { formatSince, readEvent, readTime } from '../../adapters/docker-event.ts'
import { framedLines, plainLines } from '../../adapters/docker-log.ts'

test.each<[string, number, Parameters<typeof classify>[0], string]>([
  ['No such image: shop:1', 404, 'create', 'no-image'],
  [
    'Conflict. The container name "/x" is already in use by container "y"',
    409,
    'create',
    'name-taken',
  ],
  [
    'driver failed: Bind for 0.0.0.0:80 failed: port is already allocated',
    500,
    'start',
    'port-taken',
  ],
  ['listen tcp4 0.0.0.0:80: bind: address already in use', 500, 'start', 'port-taken'],
  [
    'OCI runtime create failed: exec: "/nope": no such file or directory',
    400,
    'start',
    'not-startable',
  ],
  ['adding interface veth1 to bridge docker0 failed: exchange full', 500, 'start', 'no-address'],
  ['exec: "exchange full": executable file not found in $PATH', 400, 'start', 'not-startable'],
  ['no available IPv4 addresses on this network: x', 500, 'start', 'no-address'],
  ['network x not found', 404, 'start', 'no-network'],
  ['No such container: x', 404, 'start', 'not-found'],
  ['No such container: x', 404, 'other', 'not-found'],
  ['You cannot remove a running container', 409, 'other', 'conflict'],
  ['write /x: no space left on device', 500, 'create', 'no-space'],
  ['manifest for x:1 not found: manifest unknown', 404, 'pull', 'no-image'],
  ['Get https://r/v2/x: no basic auth credentials', 500, 'pull', 'denied'],
  ['unauthorized: authentication required', 500, 'pull', 'denied'],
  ['Get https://r/v2/: dial tcp: lookup r: no such host', 500, 'pull', 'registry'],
  ['write /tmp/GetImageBlob1: no space left on device', 200, 'pull', 'no-space'],
  ['invalid reference format', 400, 'pull', 'invalid'],
  ['something', 500, 'other', 'failed'],
])('the engine says "%s" (%i) in %s: %s', (words, status, call, code) => {
  expect(classify(call, status, words)).toBe(code)
})

test('what no answer came to is unreachable, aborted or denied', () => {
  const calm = { aborted: false, late: null }
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  expect(explain('other', refused, calm).code).toBe('unreachable')
  const denied = Object.assign(new Error('connect EACCES'), { code: 'EACCES' })
  expect(explain('other', denied, calm).code).toBe('denied')
  expect(explain('other', new Error('x'), { aborted: true, late: null }).code).toBe('aborted')
  expect(explain('other', new Error('x'), { aborted: false, late: 5000 }).message).toMatch(
    '5000 ms',
  )
  const raw = { statusCode: 500, message: '(HTTP code 500) server error - dial tcp: timeout ' }
  expect(explain('pull', raw, calm)).toMatchObject({
    code: 'registry',
    message: 'dial tcp: timeout',
  })
  const known = new EngineError('no-image', 'gone')
  expect(explain('other', known, calm)).toBe(known)
})

const line = (action: string, attributes: object, time = '1795229320318364004'): string =>
  `{"Type":"container","Action":"${action}","Actor":{"ID":"c1","Attributes":${JSON.stringify(attributes)}},"timeNano":${time}}`

test('events are read with their labels, exit code, health and exact time', () => {
  const ours = { 'reveille.app': 'A', image: 'i', name: 'n' }
  const base = { id: 'c1', labels: { 'reveille.app': 'A' }, time: 1795229320318364004n }
  expect(readEvent(line('start', ours))).toEqual({ ...base, action: 'start' })
  const die = line('die', { ...ours, exitCode: '137' })
  expect(readEvent(die)).toEqual({ ...base, action: 'die', exitCode: 137 })
  const health = line('health_status: unhealthy', ours)
  expect(readEvent(health)).toEqual({ ...base, action: 'health', health: 'unhealthy' })
})

test('what is no event of ours is not one', () => {
  for (const text of [
    '',
    'x',
    '{}',
    line('start', {}),
    line('exec_create: sh', { 'reveille.app': 'A' }),
    line('health_status: starting', { 'reveille.app': 'A' }),
  ])
    expect(readEvent(text)).toBeNull()
})

test("the engine's time keeps its nanoseconds both ways", () => {
  const time = readTime('2026-11-21T02:48:40.293949066Z')
  expect(time).toBe(1795229320293949066n)
  expect(formatSince(time)).toBe('1795229320.293949066')
  expect(readTime('2026-11-21T03:48:40.5+01:00')).toBe(1795229320500000000n)
  expect(readTime('2026-11-21T02:48:40Z')).toBe(1795229320000000000n)
  expect(formatSince(1_000_000_001n)).toBe('1.000000001')
  expect(readTime('nonsense')).toBe(0n)
})

const summary = (more: object): ContainerInfo =>
  ({ Id: 'c', Names: ['/n'], Image: 'i', Labels: {}, Ports: [], Status: '', ...more }) as never

test.each<[string, string, object]>([
  ['running', 'Up 3 seconds', { state: 'running', health: 'none', exitCode: 0 }],
  ['running', 'Up 3 seconds (healthy)', { health: 'healthy' }],
  ['running', 'Up 1 second (health: starting)', { health: 'starting' }],
  ['running', 'Up 2 hours (unhealthy)', { health: 'unhealthy' }],
  ['exited', 'Exited (137) 2 minutes ago', { state: 'exited', exitCode: 137 }],
  ['paused', 'Up 2 hours (Paused)', { state: 'paused' }],
  ['strange', '', { state: 'dead' }],
])('a listed container that is %s, "%s"', (State, Status, expected) => {
  expect(fromSummary(summary({ State, Status }))).toMatchObject(expected)
})

test('published ports are read from both, IPv4 first', () => {
  const Ports = [
    { IP: '0.0.0.0', PrivatePort: 8000, PublicPort: 32768, Type: 'tcp' },
    { IP: '::', PrivatePort: 8000, PublicPort: 32769, Type: 'tcp' },
    { PrivatePort: 9000, Type: 'tcp' },
    { IP: '0.0.0.0', PrivatePort: 53, PublicPort: 53, Type: 'udp' },
  ]
  const published = { 8000: { host: '0.0.0.0', port: 32768 } }
  expect(fromSummary(summary({ State: 'running', Ports })).published).toEqual(published)
  const inspection = {
    ...{ Id: 'c', Name: '/n', Config: { Labels: {}, Image: 'i' } },
    State: { Status: 'running', ExitCode: 0, Error: '', Pid: 7 },
    NetworkSettings: {
      Ports: {
        '8000/tcp': [{ HostIp: '0.0.0.0', HostPort: '32768' }],
        '9000/tcp': null,
        '53/udp': [{ HostIp: '0.0.0.0', HostPort: '53' }],
      },
    },
  } as unknown as ContainerInspectInfo
  expect(fromInspection(inspection)).toMatchObject({ published, pid: 7, health: 'none', name: 'n' })
})

test('a HEALTHCHECK becomes a command to run inside', () => {
  expect(healthcheckCommand(['CMD', 'curl', '-f', 'x'], null)).toEqual(['curl', '-f', 'x'])
  expect(healthcheckCommand(['CMD-SHELL', 'curl x'], null)).toEqual(['/bin/sh', '-c', 'curl x'])
  expect(healthcheckCommand(['CMD-SHELL', 'x'], ['/bin/bash', '-lc'])).toEqual([
    '/bin/bash',
    '-lc',
    'x',
  ])
  for (const none of [['NONE'], [], undefined, null, ['CMD'], ['CMD-SHELL']])
    expect(healthcheckCommand(none, null)).toBeNull()
})

/** A stream in pieces of `size` bytes, so that frames, lines and characters are cut anywhere. */
async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

function frame(output: 1 | 2, text: string): Buffer {
  const head = Buffer.alloc(8)
  head[0] = output
  head.writeUInt32BE(Buffer.byteLength(text), 4)
  return Buffer.concat([head, Buffer.from(text)])
}

test.each([1, 3, 8, 1000])(
  'framed logs are joined to lines over cuts each %i bytes',
  async (size) => {
    const bytes = Buffer.concat([
      ...[frame(1, 'one\ntw'), frame(2, 'error ä\n'), frame(1, 'o\r\n'), frame(1, 'last')],
    ])
    const lines = []
    for await (const line of framedLines(pieces(bytes, size))) lines.push(line)
    expect(lines).toEqual(['one', 'error ä', 'two', 'last'])
  },
)

test('plain logs are cut into lines of bounded length', async () => {
  const lines = []
  const text = `äb\n${'x'.repeat(20_000)}\n{"a":1}`
  for await (const line of plainLines(pieces(Buffer.from(text), 7))) lines.push(line)
  expect(lines.map((line) => line.length)).toEqual([2, 16_384, 7])
})
