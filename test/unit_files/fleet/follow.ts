import { type Block, blocksOf, type MachineName } from './page.ts'
import type { Machine } from './machine.ts'

export type Fleet = Record<MachineName, Machine>

/** What a block that has `command` in it must say. */
export interface Expectation {
  command: string
  says: (output: string) => boolean
}

/**
 * Types every block of a page on the machines it names, in order.
 * @throws Error at the first command that fails, or that says something else than the page promises
 */
export async function follow(page: string, fleet: Fleet, expected: Expectation[]): Promise<void> {
  const seen = new Set<Expectation>()
  for (const block of blocksOf(page)) {
    const promises = expected.filter(({ command }) => block.commands.includes(command))
    for (const name of block.machines) {
      const output = await typed(block, fleet[name])
      for (const promise of promises) {
        if (!promise.says(output))
          throw new Error(`${at(block, name)}: "${promise.command}" says:\n${output}`)
        seen.add(promise)
      }
    }
  }
  for (const promise of expected)
    if (!seen.has(promise)) throw new Error(`docs/${page} has no "${promise.command}"`)
}

async function typed(block: Block, machine: Machine): Promise<string> {
  const start = performance.now()
  try {
    const output = await machine.type(block.commands)
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    console.log(`${at(block, machine.name)}: ${seconds} s`)
    return output
  } catch (error) {
    throw new Error(`${at(block, machine.name)} fails`, { cause: error })
  }
}

const at = ({ page, line }: Block, name: string): string => `docs/${page}:${line} on ${name}`
