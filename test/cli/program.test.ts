import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { createProgram } from '../../cli/program.ts'
import { SETTINGS } from '../../model/setting.ts'
import { isPlain } from './hostile.ts'
import { run } from './stage.ts'

const program = createProgram({
  out: () => {},
  err: () => {},
  color: false,
  live: false,
  width: 100,
  env: {},
  read: async () => '',
  interrupt: () => new AbortController().signal,
})

function commandsOf(command: Command, path: string[] = []): { path: string[]; command: Command }[] {
  const below = command.commands.flatMap((child) => commandsOf(child, [...path, child.name()]))
  return [{ path, command }, ...below]
}

const COMMANDS = commandsOf(program).map(({ path, command }) => ({
  name: ['reveille', ...path].join(' '),
  path,
  command,
}))

/** The words of an example up to the first pipe; quotes as a shell takes them. */
function wordsOf(line: string): string[] {
  return [...(line.split(' | ')[0] ?? '').matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    (match) => match[1] ?? match[2] ?? match[3] ?? '',
  )
}

describe('every command', () => {
  test.each(COMMANDS)('$name has help with examples', async ({ path }) => {
    const { code, out, err } = await run([...path, '--help'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/\nExamples:\n {2}# \S.*\n {2}reveille /)
    expect(out).toContain(`Usage: ${['reveille', ...path].join(' ')}`)
  })

  test.each(COMMANDS)('$name has examples of commands and options there are', async ({ path }) => {
    const { out } = await run([...path, '--help'])
    const examples = (out.split('\nExamples:\n')[1] ?? '').matchAll(/^ {2}(reveille .*)$/gm)
    for (const [, line = ''] of examples) {
      const [, ...words] = wordsOf(line)
      let at = program
      while (true) {
        const next = at.commands.find((child) => child.name() === words[0])
        if (!next) break
        words.shift()
        at = next
      }
      expect(at, line).not.toBe(program)
      const end = words.indexOf('--')
      for (const word of end < 0 ? words : words.slice(0, end))
        if (/^--?[a-z]/.test(word))
          expect(at.options.map(({ long, short }) => [long, short]).flat(), line).toContain(word)
    }
  })

  test('that is a service has a flag for each of its settings', async () => {
    for (const service of ['up', 'controller', 'launcher', 'registrar'] as const) {
      const { out } = await run([service, '--help'])
      for (const { services, help } of Object.values(SETTINGS))
        if ((services as string[]).includes(service))
          expect(out.replaceAll(/\s+/g, ' ')).toContain(help.replaceAll(/\s+/g, ' '))
    }
  })
})

describe('asked wrongly', () => {
  test.each([
    { argv: ['wkae'], says: "unknown command 'wkae'", hint: 'Did you mean wake?' },
    { argv: ['frobnicate'], says: "unknown command 'frobnicate'", hint: 'See: reveille --help' },
    { argv: ['ps', '--jsno'], says: "unknown option '--jsno'", hint: 'Did you mean --json?' },
    { argv: ['wake'], says: "missing required argument 'name'", hint: 'See: reveille wake --help' },
    { argv: ['app', 'lst'], says: "unknown command 'lst'", hint: 'See: reveille app --help' },
    {
      argv: ['logs', 'a', '-n', 'x'],
      says: 'number from 0 to 10000',
      hint: 'reveille logs --help',
    },
    { argv: ['ps', '../etc'], says: '"../etc" is no name of an app', hint: 'Names are 1-63' },
    { argv: ['ps', '--api', 'nowhere'], says: '--api: ', hint: 'reveille config' },
    { argv: ['launcher', '--hold-timeout', 'soon'], says: 'must be a duration', hint: 'config' },
    { argv: ['ps', '--config', '/nowhere.json'], says: '/nowhere.json', hint: 'reveille config' },
  ])('$argv says $says', async ({ argv, says, hint }) => {
    const { code, out, err } = await run(argv)
    expect(code).toBe(2)
    expect(out).toBe('')
    expect(err).toContain(says)
    expect(err).toContain(hint)
    expect(err).not.toMatch(/\n\s+at /)
  })

  test('without a command it shows what there is', async () => {
    for (const argv of [[], ['app'], ['blueprint']]) {
      const { code, err } = await run(argv)
      expect(code).toBe(2)
      expect(err).toContain('Usage: reveille')
    }
  })

  test('it does not hand on control characters of its arguments', async () => {
    for (const argv of [['\u001b]0;owned\u0007'], ['ps', '--\u001b[2J'], ['ps', 'a\u001b[1mb']]) {
      const { code, err } = await run(argv)
      expect(code).toBe(2)
      expect(isPlain(err)).toBe(true)
    }
  })
})

test('The version is that of the package.', async () => {
  const { out } = await run(['version'])
  expect(out).toMatch(/^reveille \d+\.\d+\.\d+\n$/)
  expect((await run(['--version'])).out).toBe(out.replace('reveille ', ''))
})
