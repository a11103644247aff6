import { expect, test } from 'vitest'
import { Engines, isOpen } from '../../launcher/engine.ts'

test('an engine is opened once, and forgotten with its host', () => {
  const opened: string[] = []
  const engines = new Engines((url) => {
    opened.push(url)
    return { url }
  })
  const [a, b] = [engines.at('tcp://10.9.0.1:2376'), engines.at('tcp://10.9.0.2:2376')]
  expect(engines.at('tcp://10.9.0.1:2376')).toBe(a)
  expect(engines.keep(new Set(['tcp://10.9.0.1:2376', 'unix:///x']))).toEqual([b])
  expect(engines.keep(new Set(['tcp://10.9.0.1:2376']))).toEqual([])
  expect(engines.at('tcp://10.9.0.2:2376')).not.toBe(b)
  expect(opened).toHaveLength(3)
})

test.each<[string, boolean, boolean]>([
  ['tcp://10.9.0.1:2375', false, true],
  ['tcp://[fd00:9::1]:2375', false, true],
  ['tcp://10.9.0.1:2376', true, false],
  ['tcp://127.0.0.1:2375', false, false],
  ['tcp://[::1]:2375', false, false],
  ['unix:///var/run/docker.sock', false, false],
  ['ssh://ops@10.9.0.1', false, false],
])('%s with certificates %s is open to everybody: %s', (url, hasTls, expected) => {
  expect(isOpen(url, hasTls)).toBe(expected)
})
