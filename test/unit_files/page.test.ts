import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { SETTINGS, variableOf } from '../../model/setting.ts'
import { blocksOf } from './fleet/page.ts'

const TOP = join(import.meta.dirname, '../..')
const PAGES = ['fleet.md', 'hosts.md', 'from/coreos-flask.md']
const read = (path: string): string => readFileSync(join(TOP, path), 'utf8')
const variables = Object.keys(SETTINGS).map(variableOf)

// Whether they do what the page says is tried on machines of its own: npm run fleet-page.
describe.each(PAGES)('docs/%s', (page) => {
  const blocks = blocksOf(page)

  test('says of every block where to type it, and has no other', () => {
    expect(blocks.length).toBeGreaterThan(8)
    expect(read(`docs/${page}`).match(/^```.+$/gm)).toHaveLength(blocks.length)
  })

  test.each(blocks.map((block) => [block.line, block] as const))(
    'line %i begins something a shell understands',
    async (_line, { commands }) => {
      const { stderr } = await promisify(execFile)('bash', ['-n', '-c', commands])
      expect(stderr).toBe('')
    },
  )

  test('names only settings there are, and files there are', () => {
    const text = read(`docs/${page}`)
    for (const name of text.match(/REVEILLE_[A-Z_]+/g) ?? []) expect(variables).toContain(name)
    const paths = text.matchAll(/\/opt\/reveille\/((?:unit_files|cli)\/[\w./-]+\w)(?![\w*{-])/g)
    for (const [, path = ''] of paths) expect(existsSync(join(TOP, path)), path).toBe(true)
  })

  test('is short enough to be followed', () => {
    expect(read(`docs/${page}`).trimEnd().split('\n').length).toBeLessThan(200)
  })
})

/** The script in a file of a cloud, without what YAML puts before its lines. */
function scriptIn(file: string): string[] {
  const [, pad = '', body = ''] =
    /^( +)(?:content|inline): \|\n((?: {6,}.*\n|\n)+?)(?! {6}|\n)/m.exec(read(file)) ?? []
  expect(body).toContain('#!/bin/bash')
  return body.split('\n').map((line) => line.slice(pad.length + 2))
}

describe.each(['user-data', 'flatcar.bu'])('unit_files/%s', (name) => {
  const file = `unit_files/${name}`

  test('has a value for each of its variables in docs/hosts.md', () => {
    const wanted = new Set(read(file).match(/@[A-Z0-9]+@/g))
    expect(wanted.size).toBe(6)
    expect(new Set(read('docs/hosts.md').match(/@[A-Z0-9]+@/g))).toEqual(wanted)
  })

  test('has a script that a shell understands', async () => {
    const script = scriptIn(file).join('\n')
    const { stderr } = await promisify(execFile)('bash', ['-n', '-c', script])
    expect(stderr).toBe('')
  })

  test('does to a machine what docs/fleet.md does', () => {
    const lines = new Set(scriptIn(file))
    const block = blocksOf('fleet.md').find(({ commands }) => commands.includes('systemd-sysusers'))
    const typed = block?.commands
      .split('\n')
      .filter((line) => /^(?:install|systemd-|systemctl)/.test(line))
    expect(typed).toHaveLength(4)
    for (const line of typed ?? []) expect(lines).toContain(line)
    const settings = read('docs/fleet.md').match(/REVEILLE_(?:ADDRESS|ENGINE_ADVERTISE)=\S+/g) ?? []
    expect(settings).toHaveLength(2)
    for (const setting of settings) expect([...lines].join('\n')).toContain(`"${setting}"`)
  })
})

test('the user-data installs every unit there is', () => {
  const folder = join(TOP, 'unit_files')
  const units = (path: string): string[] =>
    readdirSync(join(folder, path)).filter((name) => name.endsWith('.service'))
  const lines = scriptIn('unit_files/user-data').map((line) => line.trim())
  const copied = lines.flatMap(
    (line) => /^cp -rL (.*) \/etc\/systemd\/system\/$/.exec(line)?.[1] ?? [],
  )
  const globs = copied.flatMap((files) => files.split(' '))
  const fits = (path: string): boolean =>
    globs.some((glob) => new RegExp(`^${glob.replaceAll('*', '[^/]*')}$`).test(path))
  const all = [...units('.'), ...units('named-apps').map((name) => `named-apps/${name}`)]
  for (const unit of ['nginx', 'app', 'app-discovery', 'launcher', 'launcher-discovery'])
    expect(all).toContain(`named-apps/${unit}@.service`)
  for (const unit of ['registrar', 'launcher', 'controller', 'nginx', 'pool'])
    expect(all).toContain(`reveille-${unit}@.service`)
  expect(all.filter((unit) => !fits(unit))).toEqual([])
})

test('the user-data is a list of what cloud-init knows', () => {
  const text = read('unit_files/user-data')
  const keys = text.match(/^[a-z_]+(?=:)/gm)
  expect(keys).toEqual(['hostname', 'write_files', 'package_update', 'packages', 'runcmd'])
  expect(text.startsWith('#cloud-config\n')).toBe(true)
})
