import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { describeCommands } from '../../cli/docs/commands.ts'
import { describeSettings } from '../../cli/docs/configuration.ts'
import { SETTINGS } from '../../model/setting.ts'

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

test('docs/configuration.md is what the settings say; npm run docs writes it anew.', () => {
  expect(read('docs/configuration.md')).toBe(describeSettings())
})

test('docs/cli.md is what the command says; npm run docs writes it anew.', () => {
  expect(read('docs/cli.md')).toBe(describeCommands())
})

test('Every setting is in docs/configuration.md exactly once.', () => {
  const rows = [...describeSettings().matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name)
  expect(rows.sort()).toEqual(Object.keys(SETTINGS).sort())
})

test('docs/configuration.md says of a setting which other services take it.', () => {
  const lines = describeSettings().split('\n')
  const also = (name: string): string | undefined =>
    lines.find((line) => line.startsWith(`| \`${name}\``))?.split(/(?<!\\) ?\| ?/)[5]
  expect(
    ['holdTimeout', 'drainTimeout', 'pathPrefix', 'stateDir', 'listen', 'etcd'].map(also),
  ).toEqual(['launcher', 'registrar', 'launcher, registrar', 'commands', '', ''])
})
