import { expect, test } from 'vitest'
import { parseHostLabel, readHostLabels } from '../../model/host-label.ts'
import { SETTINGS } from '../../model/setting.ts'

test('labels of a host are name=value', () => {
  expect(parseHostLabel('zone=a')).toEqual(['zone', 'a'])
  expect(parseHostLabel('example.com/disk=ssd:2')).toEqual(['example.com/disk', 'ssd:2'])
  expect(readHostLabels(['zone=a', 'disk=ssd', 'zone'])).toEqual({ zone: 'a', disk: 'ssd' })
  expect(SETTINGS.hostLabels.schema.parse('zone=a, disk=ssd')).toEqual(['zone=a', 'disk=ssd'])
})

test.each([
  ...['', 'zone', 'zone=', '=a', 'zone==a', 'zone=a b', 'zone=a\n', 'zone=$(x)', 'zo ne=a'],
  ...['-zone=a', 'zone=-a', 'host=h1', `${'x'.repeat(64)}=a`, `zone=${'x'.repeat(129)}`, 'zöne=a'],
])('%j is none', (text) => {
  expect(parseHostLabel(text)).toBeNull()
  expect(SETTINGS.hostLabels.schema.safeParse([text]).success).toBe(false)
})
