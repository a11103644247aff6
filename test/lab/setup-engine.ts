import { startEngine } from './engine-host.ts'
import { openRun } from './open-run.ts'

/** vitest globalSetup of project `lab`: a Docker engine with the test images. It goes with the run. */
export async function setup(): Promise<() => Promise<void>> {
  const { run, close } = await openRun()
  await startEngine(run)
  return close
}
