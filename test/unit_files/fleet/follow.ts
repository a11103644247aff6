import type { Machine } from './machine.ts'
import { type Block, blocksOf, type MachineName } from './page.ts'

export type Fleet = Record<MachineName, Machine>

/** What a block that has `command` in it must say, and what is done after it. */
export interface Expectation {
  command: string
  says?: (output: string) => boolean
  after?: () => Promise<void>
}

/**
 * Types every block of a page on the machines it names; `instead` has other words for what cannot be done here.
 * @throws Error at the first command that fails, or that says something else than the page promises
 */
export async function follow(
  page: string,
  fleet: Fleet,
  expected: Expectation[],
  instead = (commands: string): string => commands,
): Promise<void> {
  const blocks = blocksOf(page)
  for (const { command } of expected)
    if (!blocks.some(({ commands }) => commands.includes(command)))
      throw new Error(`docs/${page} has no "${command}"`)
  for (const block of blocks) {
    const promises = expected.filter(({ command }) => block.commands.includes(command))
    const on = async (name: MachineName): Promise<void> => {
      const output = await typed({ ...block, commands: instead(block.commands) }, fleet[name])
      for (const { command, says } of promises)
        if (says && !says(output))
          throw new Error(`${at(block, name)}: "${command}" says:\n${output}`)
    }
    if (block.ordered) for (const name of block.machines) await on(name)
    else await Promise.all(block.machines.map(on))
    for (const { after } of promises) await after?.()
  }
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
