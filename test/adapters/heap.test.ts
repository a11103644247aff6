import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Leftovers } from '../../adapters/heap.ts'
import { temporaryFolder } from '../lab/folder.ts'
import { sourceRunner } from '../lab/source.ts'

const MIB = 1024 ** 2
const run = sourceRunner()

/** What is done at each look of a service: how many MiB there are then, and how busy it was. A collection leaves `live`. */
function looks(live: number, ...seen: [used: number, busy: number][]): boolean[] {
  const leftovers = new Leftovers()
  leftovers.collected(live * MIB)
  return seen.map(([used, busy]) => {
    const areDue = leftovers.areDue(used * MIB, busy)
    if (areDue) leftovers.collected(live * MIB)
    return areDue
  })
}

it('what a burst has left is collected once it is over, and once', () => {
  const seen = looks(30, [90, 0.6], [130, 0.2], [130, 0.04], [30, 0], [31, 0])
  expect(seen).toEqual([false, false, true, false, false])
})

it('a little lies about: 12 MiB, and where much is in use a quarter of that', () => {
  expect(looks(30, [42, 0], [42.1, 0])).toEqual([false, true])
  expect(looks(160, [200, 0], [200.1, 0])).toEqual([false, true])
})

it('what V8 has left is where the next burst begins', () => {
  expect(looks(30, [20, 0], [32.1, 0])).toEqual([false, true])
})

it('what its start has left is collected as soon as there is time', () => {
  const leftovers = new Leftovers()
  expect([0.5, 0].map((busy) => leftovers.areDue(80 * MIB, busy))).toEqual([false, true])
})

/** Holds 30 MB after its first look, and lets them go. */
const BURSTS = `
  export const open = async () => {
    setTimeout(() => {
      let held = Array.from({ length: 400_000 }, (_, index) => ({ text: 'text ' + index }))
      const most = process.memoryUsage().heapUsed
      setTimeout(() => {
        held = null
        setInterval(() => {
          if (process.memoryUsage().heapUsed < most - 20e6) console.log('given back')
        }, 500)
      }, 500)
    }, 11_000)
    return { log: { info() {} }, farewell: '', stop: async () => {} }
  }
`

it('a service gives back what it has let go, where V8 would not', async () => {
  const path = join(await temporaryFolder(), 'bursts.mjs')
  await writeFile(path, BURSTS)
  const flags = ['--expose-gc', '--no-memory-reducer']
  const { output } = run([...flags, 'cli/embedded/service-main.ts', 'bursts', path])
  await expect.poll(() => output.out, { timeout: 80_000 }).toContain('given back')
}, 90_000)
