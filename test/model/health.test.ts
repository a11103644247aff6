import { describe, expect, test } from 'vitest'
import { formatHealth, HealthCheck, parseHealth } from '../../model/health.ts'

describe('a health check', () => {
  test.each([
    ['auto', { type: 'auto' }],
    ['auto:/status', { type: 'auto', path: '/status' }],
    ['tcp', { type: 'tcp' }],
    ['image', { type: 'image' }],
    ['http:/', { type: 'http', path: '/' }],
    ['http:/health?deep=1&a=b:c', { type: 'http', path: '/health?deep=1&a=b:c' }],
    ['command:["sh","-c","exit 0"]', { type: 'command', command: ['sh', '-c', 'exit 0'] }],
  ])('%s is read, written again and accepted in both forms', (text, health) => {
    const parsed = parseHealth(text)
    expect(parsed).toEqual(health)
    expect(parsed && formatHealth(parsed)).toBe(text)
    expect(HealthCheck.parse(text)).toEqual(health)
    expect(HealthCheck.parse(health)).toEqual(health)
  })

  test.each([
    ...['', 'AUTO', 'auto:', 'tcp:80', 'http', 'http:', 'http:health', 'http://evil.example/'],
    ...['http:/a b', 'http:/a\nb', 'http:/"', 'http:/$x', 'http:/{', `http:/${'a'.repeat(512)}`],
    ...[
      'command',
      'command:',
      'command:[]',
      'command:[1]',
      'command:[""]',
      'command:"x"',
      'command:{',
    ],
    ...['__proto__', 'constructor', 'exec:x'],
  ])('%j is none', (text) => {
    expect(parseHealth(text)).toBeNull()
    expect(HealthCheck.safeParse(text).success).toBe(false)
  })

  test.each([
    { type: 'http' },
    { type: 'http', path: 'x' },
    { type: 'auto', path: 'x' },
    { type: 'tcp', path: '/' },
    { type: 'tcp', port: 1 },
    { type: 'x' },
    {},
    null,
    1,
  ])('%j is none', (value) => {
    expect(HealthCheck.safeParse(value).success).toBe(false)
  })
})
