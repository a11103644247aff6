import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'

const TOP = join(import.meta.dirname, '..')
const IGNORED = new Set(['node_modules', 'dist', '.git'])

function pages(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return IGNORED.has(entry.name) ? [] : pages(path)
    return entry.name.endsWith('.md') ? [path] : []
  })
}

it.each(pages(TOP).map((page) => page.slice(TOP.length + 1)))(
  'every link of %s leads somewhere',
  (page) => {
    const text = readFileSync(join(TOP, page), 'utf8').replaceAll(/```[^]*?```|`[^`\n]*`/g, '')
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(
      (match) => match[1],
    )
    for (const link of links) {
      const target = join(TOP, dirname(page), link as string)
      expect(() => readdirSync(dirname(target)), link).not.toThrow()
      const name = target.replace(/\/$/, '').split('/').at(-1)
      expect(readdirSync(dirname(target.replace(/\/$/, ''))), link).toContain(name)
    }
  },
)

it('each decision has a number of its own', () => {
  const numbers = readdirSync(join(TOP, 'docs/decisions')).map((name) => name.slice(0, 4))
  expect(numbers.filter((number) => !/^[0-9]{4}$/.test(number))).toEqual([])
  expect(new Set(numbers).size).toBe(numbers.length)
})
