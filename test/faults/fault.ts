import type { LabFleet } from '../lab/fleet/fleet.ts'
import { clean } from './clean.ts'
import type { Plateau } from './footprint.ts'
import { type Mode, Oracle, type Subject } from './oracle.ts'
import { subjectOf } from './subject.ts'

/** Where a fault happens. */
export interface Stage {
  fleet: LabFleet
  oracle: Oracle
  subject: Subject
}

/** What came of it. */
export interface Outcome {
  /** what was measured, for the table */
  figure: string
  /** what the fault's own words demand and was not so; the oracle adds its own */
  violations: string[]
}

export interface Fault {
  /** as the catalogue numbers it: P01 */
  id: string
  title: string
  /** Makes what it needs, does it, heals it. What it made may stay: it is taken away after it. */
  run(stage: Stage): Promise<Outcome>
}

export interface Verdict extends Outcome {
  id: string
  title: string
  /** of the gateways it ran against */
  mode: Mode
  pass: boolean
  seconds: number
}

/**
 * Runs a fault under the oracle's eyes, and leaves the fleet as it was.
 * @param plateau what `steady` has found of this fleet
 */
export async function judge(fault: Fault, fleet: LabFleet, plateau: Plateau): Promise<Verdict> {
  const began = performance.now()
  const subject = { ...(await subjectOf(fleet)), plateau }
  const oracle = await Oracle.begin(subject)
  const violations: string[] = []
  let figure = 'failed'
  try {
    const outcome = await fault.run({ fleet, oracle, subject })
    figure = outcome.figure
    violations.push(...outcome.violations)
    await oracle.settled()
  } catch (error) {
    violations.push(`${fault.id} did not get to its end: ${(error as Error).stack}`)
  }
  await fleet.heal()
  await clean(fleet)
  await oracle.quiet()
  violations.push(...(await oracle.verdict()))
  const { id, title } = fault
  const { mode } = subject
  const seconds = Math.round((performance.now() - began) / 1000)
  return { id, title, mode, figure, violations, pass: violations.length === 0, seconds }
}
