import { sweepDeadRuns } from './open-run.ts'

// `tsx test/lab/clean.ts`: what a run that was interrupted could not do itself.
await sweepDeadRuns()
