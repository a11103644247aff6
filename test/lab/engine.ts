import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { currentRun } from './run.ts'

/** A Docker engine as tests see it. */
export interface LabEngine {
  /** `unix:///...`, as DOCKER_HOST. */
  url: string
  /** Where its published ports answer, from the machine itself. */
  address: string
}

/** The run's one engine. Only in files named `*.lab.test.ts`: vitest starts it for them. */
export function labEngine(): LabEngine {
  return JSON.parse(readFileSync(join(currentRun().folder, 'engine.json'), 'utf8')) as LabEngine
}
