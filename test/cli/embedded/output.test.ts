import { expect, test } from 'vitest'
import { isChatter, translate } from '../../../cli/embedded/output.ts'

const now = new Date('2026-01-02T03:04:05.678Z')
const read = (service: string, line: string, isError = false): object =>
  JSON.parse(translate(service, line, now, isError)) as object
const time = now.toISOString()

test('a line of our own log stays as it is, byte for byte', () => {
  const line =
    '{"level":"info","time":"2026-01-01T00:00:00.000Z","service":"launcher","msg":"woke"}'
  expect(translate('launcher', line, now)).toBe(line)
})

test("nginx's lines get its level, without its own time and numbers", () => {
  const line = '2026/01/02 03:04:05 [emerg] 4711#4711: bind() to 0.0.0.0:80 failed'
  expect(read('nginx', line)).toEqual({
    level: 'fatal',
    time,
    service: 'nginx',
    msg: 'bind() to 0.0.0.0:80 failed',
  })
})

test("Docker's and etcd's lines are brought into the same form", () => {
  expect(read('docker', 'time="x" level=warning msg="it is \\"odd\\"" a=b')).toEqual({
    level: 'warn',
    time,
    service: 'docker',
    msg: 'it is "odd"',
  })
  expect(
    read('etcd', '{"level":"warn","ts":1,"caller":"x.go:1","msg":"slow","took":"2s"}'),
  ).toEqual({ level: 'warn', time, service: 'etcd', msg: 'slow', took: '2s' })
})

test('a bare line is news on stdout and an error on stderr', () => {
  expect(read('launcher', 'hello')).toMatchObject({ level: 'info', msg: 'hello' })
  expect(read('launcher', 'Error: no', true)).toMatchObject({ level: 'error', msg: 'Error: no' })
  for (const line of ['null', '7', '[1]', '"x"'])
    expect(read('launcher', line)).toMatchObject({ msg: line })
})

test("what Docker's shims load is left out, its warnings and what others say is not", () => {
  expect(isChatter('docker', 'time="x" level=info msg="loading plugin"')).toBe(true)
  expect(isChatter('docker', 'time="x" level=warning msg="loading plugin"')).toBe(false)
  expect(isChatter('registrar', 'level=info')).toBe(false)
})
