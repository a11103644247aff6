import { Failure } from './failure.ts'

/**
 * Does something for each in turn and stops at the first that fails.
 * @throws Failure that names it, what was done before and what was not tried
 */
export async function inTurn<T extends { name: string }>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  for (const [index, item] of items.entries())
    try {
      await work(item)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      const names = (some: readonly T[]): string => some.map(({ name }) => name).join(', ')
      const hints = [...error.hints]
      if (index > 0) hints.push(`Done before: ${names(items.slice(0, index))}`)
      if (index + 1 < items.length) hints.push(`Not tried: ${names(items.slice(index + 1))}`)
      throw new Failure(`${item.name}: ${error.message}`, hints, error.exitCode)
    }
}
