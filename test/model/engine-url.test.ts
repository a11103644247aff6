import { expect, test } from 'vitest'
import { isEngineUrl, isNoEngine, parseSshUrl } from '../../model/engine-url.ts'

test.each([
  ['ssh://10.9.0.1', { user: '', host: '10.9.0.1', port: null, socket: '/var/run/docker.sock' }],
  ['ssh://ops@10.9.0.1:2222', { user: 'ops', host: '10.9.0.1', port: 2222 }],
  ['ssh://[fd00:9::1]:22', { host: 'fd00:9::1', port: 22 }],
  ['ssh://ops@10.9.0.1/run/user/1000/docker.sock', { socket: '/run/user/1000/docker.sock' }],
])('%s leads by ssh to an engine', (text, expected) => {
  expect(parseSshUrl(text)).toMatchObject(expected)
  expect(isEngineUrl(text)).toBe(true)
})

test.each([
  ...[
    'ssh://',
    'ssh://host-1',
    'ssh://-oProxyCommand=x@10.9.0.1',
    'ssh://-l@10.9.0.1',
    'ssh://a b@10.9.0.1',
  ],
  ...['ssh://ops@-oX', 'ssh://ops:secret@10.9.0.1', 'ssh://10.9.0.1:0', 'ssh://10.9.0.1:65536'],
  ...[
    'ssh://10.9.0.1:22/a:b',
    'ssh://10.9.0.1/%h',
    'ssh://10.9.0.1/$' + '{HOME}',
    'ssh://10.9.0.1\n',
  ],
  ...['ssh://169.254.169.254', 'ssh://0.0.0.0', 'ssh://10.9.0.1/a?b', 'SSH://10.9.0.1'],
])('%j does not', (text) => {
  expect(parseSshUrl(text)).toBeNull()
  expect(isEngineUrl(text)).toBe(false)
})

test.each([
  ['tcp://10.9.0.1:2379', true],
  ['tcp://127.0.0.1:2380', true],
  ['tcp://10.9.0.1:22', true],
  ['tcp://10.9.0.9:8091', true],
  ['tcp://[fd00:9::9]:8091', true],
  ['tcp://10.9.0.1:2376', false],
  ['tcp://10.9.0.1:2375', false],
  ['tcp://10.9.0.1:8091', false],
  ['ssh://ops@10.9.0.9', false],
  ['unix:///var/run/docker.sock', false],
])('that %s is part of the control plane is %s', (url, expected) => {
  expect(isNoEngine(url, new Set(['10.9.0.9:8091', '[fd00:9::9]:8091']))).toBe(expected)
})
