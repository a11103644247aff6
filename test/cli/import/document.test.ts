import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { run } from '../stage.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'import-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const SERVICE = 'services:\n  web: { image: "a:1", ports: [80] }\n'
/** Nobody listens there: nothing of what is tried here gets as far as asking. */
const env = { REVEILLE_API: 'http://127.0.0.1:9', REVEILLE_TOKEN: 'x' }
const bomb = [
  'a: &a [x, x, x, x, x, x, x, x, x, x]',
  ...'bcdefghi'
    .split('')
    .map(
      (name, index) => `${name}: &${name} [${Array(10).fill(`*${'abcdefgh'[index]}`).join(', ')}]`,
    ),
].join('\n')

it.each([
  [
    'a key twice',
    'services:\n  web: { image: a }\n  web: { image: b }\n',
    ':3: Map keys must be unique',
  ],
  ['a tab', 'services:\n  web:\n\timage: a\n', ':3: Tabs are not allowed as indentation'],
  ['a tag', 'services:\n  web:\n    image: !!js/function x\n', ':3: Unresolved tag'],
  ['an alias of nothing', 'services:\n  web: *nobody\n', 'Unresolved alias'],
  ['aliases without end', `${bomb}\n${SERVICE}`, 'Excessive alias count'],
  ['a bracket that is left open', 'services:\n  web: [\n', ':3: '],
  ['several documents', `${SERVICE}---\n${SERVICE}`, ':3: Source contains multiple documents'],
  ['no services', 'name: x\n', ':1: has no services'],
  ['services that are a list', 'services: [a]\n', ':1: has no services'],
  ['no YAML at all', '\u0000\u0001', ''],
  ['brackets in brackets', `services: ${'['.repeat(20_000)}`, 'nested too deeply'],
  ['no text at all', '', ':1: has no services'],
])(
  '%s is an error with its line, and nothing is done',
  async (_, text, message) => {
    const file = join(folder, 'compose.yml')
    await writeFile(file, text)
    for (const argv of [[file], ['-']]) {
      const outcome = await run(['import', ...argv, '--apply'], { stdin: text, env })
      expect(outcome).toMatchObject({ code: 2, out: '' })
      expect(outcome.err).toMatch(/^error: (?:\S*compose\.yml|stdin)/)
      expect(outcome.err).toContain(message)
    }
  },
  60_000,
)

it('what is no UTF-8 is told with its line', async () => {
  const file = join(folder, 'latin1.yml')
  await writeFile(file, Buffer.from(`${SERVICE}# caf\u00e9\n`, 'latin1'))
  expect((await run(['import', file], { env })).err).toContain('latin1.yml:3: is not UTF-8')
  expect((await run(['import', '-'], { env, stdin: 'services:\n  \ufffd: {}\n' })).err).toContain(
    'stdin:2: is not UTF-8',
  )
})

it('a file that is too long, has no end or is not there is refused at once', async () => {
  const file = join(folder, 'long.yml')
  await writeFile(file, `${SERVICE}#${' '.repeat(1024 ** 2)}`)
  for (const path of [file, '/dev/zero'])
    expect(await run(['import', path], { env })).toMatchObject({
      code: 2,
      err: expect.stringContaining('longer than 1 MiB'),
    })
  expect((await run(['import', join(folder, 'none.yml')], { env })).err).toContain('cannot read')
  const many = `services:\n${Array.from({ length: 201 }, (_, n) => `  s${n}: { image: "a:1", ports: [80] }`).join('\n')}\n`
  expect((await run(['import', '-'], { env, stdin: many })).err).toContain('201 services')
})

it('anchors and merges are read, and their lines are those of who uses them', async () => {
  const text = `x-common: &common\n  ports: [80]\n  privileged: true\nservices:\n  web:\n    <<: *common\n    image: a:1\n`
  const outcome = await run(['import', '-', '--json'], { env, stdin: text })
  const plan = JSON.parse(outcome.out)
  expect(plan.apps).toMatchObject([{ name: 'web', image: 'a:1', port: 80 }])
  expect(plan.notes).toMatchObject([{ kind: 'left', line: 5, key: 'privileged' }])
})
