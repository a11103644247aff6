import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const TOP = join(import.meta.dirname, '..')
const IGNORED = new Set(['node_modules', 'dist', '.git'])

function filesOf(folder: string): string[] {
  return readdirSync(join(TOP, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return IGNORED.has(entry.name) ? [] : filesOf(path)
    return entry.isFile() ? [path] : []
  })
}
const texts = new Map(filesOf('').map((file) => [file, readFileSync(join(TOP, file), 'utf8')]))
const scripts = [...texts].filter(([, text]) => /^#!\/bin\/(?:ba)?sh\n/.test(text))

it('there are scripts, that of the tests among them', () => {
  expect(scripts.map(([file]) => file)).toContain('test/run.sh')
})

it.each(scripts.map(([file]) => file))('%s can be read to its end by a shell', (script) => {
  execFileSync('bash', ['-n', join(TOP, script)], { stdio: 'pipe' })
})

it('no file has the marks of a merge in it', () => {
  const marked = [...texts].filter(([, text]) => /^(?:<{7}|>{7}) /m.test(text))
  expect(marked.map(([file]) => file)).toEqual([])
})
