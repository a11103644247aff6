import { openRun } from './open-run.ts'

/** vitest globalSetup of every project: a run to clean up after, however the tests end. */
export async function setup(): Promise<() => Promise<void>> {
  const { close } = await openRun()
  return close
}
