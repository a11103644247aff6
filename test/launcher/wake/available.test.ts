import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Availability, type Hook, type HookReply, isYes } from '../../../launcher/wake/available.ts'
import { hostile } from '../../hostile/corpus.ts'

const http = (body: string, status = 200): HookReply => ({ from: 'http', status, body })
const module = (value: unknown): HookReply => ({ from: 'module', value })

describe('an HTTP hook', () => {
  it.each(['{"allow":true}', ' {\n"allow" : true}\n'])('says yes with %j', (body) => {
    expect(isYes(http(body))).toBe(true)
  })

  it.each([
    '{"allow":"false"}',
    '{"allow":"true"}',
    '{"allow":1}',
    '{"allow":[true]}',
    '{}',
    '{"allow":true,"spec":{"HostConfig":{"Privileged":true}}}',
    '{"__proto__":{"allow":true}}',
    '[{"allow":true}]',
    'true',
    'null',
    '',
    '{"allow":true',
    '<html>{"allow":true}</html>',
  ])('says no with %j', (body) => {
    expect(isYes(http(body))).toBe(false)
  })

  // Two of the list are no bodies: a redirect, and silence. test/adapters/hook.test.ts and below have them.
  it.each(hostile('hook.response').filter(({ value }) => value.startsWith('{')))(
    'says no with $value: $why',
    ({ value }) => {
      expect(isYes(http(value))).toBe(false)
    },
  )

  it.each([201, 204, 301, 302, 304, 403, 404, 500])('says no with status %i', (status) => {
    expect(isYes(http('{"allow":true}', status))).toBe(false)
  })
})

describe('a module', () => {
  it('says yes with true and { allow: true }', () => {
    expect(isYes(module(true))).toBe(true)
    expect(isYes(module({ allow: true }))).toBe(true)
  })

  it.each([1, 'true', {}, [], { allow: 'true' }, { allow: true, more: 1 }, null, undefined])(
    'says no with %j',
    (value) => {
      expect(isYes(module(value))).toBe(false)
    },
  )
})

const question = (name: string) => ({ name, method: 'GET', uri: `/${name}/` })

function counting(answer: (name: string) => Promise<unknown>): Hook & { asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    ask: async ({ name }) => {
      asked.push(name)
      return module(await answer(name))
    },
  }
}

describe('availability', () => {
  it('is given where there is no hook', async () => {
    const open = new Availability({ hook: null, deadline: 100 })
    expect(await open.allows(question('a'))).toBe(true)
  })

  it('remembers a no for a moment, ignoring case, and never a yes', async () => {
    const hook = counting(async (name) => name === 'yes')
    const availability = new Availability({ hook, deadline: 100 })
    expect(await availability.allows(question('no'))).toBe(false)
    expect(await availability.allows(question('NO'))).toBe(false)
    expect(await availability.allows(question('yes'))).toBe(true)
    expect(await availability.allows(question('yes'))).toBe(true)
    expect(hook.asked).toEqual(['no', 'yes', 'yes'])
  })

  it('is denied by a hook that throws or does not answer in time', async () => {
    const troubles: string[] = []
    const hook = counting((name) =>
      name === 'throws' ? Promise.reject(new Error('broken')) : new Promise(() => {}),
    )
    const onTrouble = (_: object, error: unknown): void => void troubles.push(String(error))
    const availability = new Availability({ hook, deadline: 50, onTrouble })
    expect(await availability.allows(question('throws'))).toBe(false)
    expect(await availability.allows(question('hangs'))).toBe(false)
    // Once for each outage: the second is the same one still.
    expect(troubles).toEqual(['Error: broken'])
  })

  it('asks at most 16 questions at once', async () => {
    let open = 0
    let most = 0
    const hook = counting(async () => {
      open += 1
      most = Math.max(most, open)
      await pause(5)
      open -= 1
      return true
    })
    const availability = new Availability({ hook, deadline: 1_000 })
    const names = Array.from({ length: 100 }, (_, i) => `app-${i}`)
    await Promise.all(names.map((name) => availability.allows(question(name))))
    expect(most).toBe(16)
    expect(hook.asked).toHaveLength(100)
  })
})
