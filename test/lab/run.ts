/** How the processes of one run find its folder: set by `openRun`, inherited by vitest's workers. */
export const RUN_VARIABLE = 'LAB_OF_REVEILLE'

/** One run of the tests: a folder for everything it makes, and a number that keeps its networks apart. */
export interface Run {
  folder: string
  slot: number
}

/** The run this process belongs to. Throws outside of one: the lab's parts must be cleaned by somebody. */
export function currentRun(): Run {
  const folder = process.env[RUN_VARIABLE]
  if (folder === undefined) throw new Error('no lab run is open: start tests through vitest')
  return { folder, slot: Number(folder.slice(folder.lastIndexOf('/') + 1)) }
}
