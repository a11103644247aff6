import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { LabFleet } from '../lab/fleet/fleet.ts'
import { startFleet } from '../lab/fleet/start-fleet.ts'
import { openRun } from '../lab/open-run.ts'
import { faultsOf } from './catalogue.ts'
import { judge, type Verdict } from './fault.ts'
import { fleetOf } from './fleet.ts'
import { steady } from './steady.ts'
import { printTable } from './table.ts'

/**
 * `npm run faults [-- --runs 5] [--live off] [P05 P09 ...]`: runs the faults named, or all, so many times over one fleet,
 * whose gateways are live unless told otherwise; prints the table and every violation, writes all of it as JSON. The exit code is 1 if any run failed.
 */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { runs: { type: 'string', default: '1' }, live: { type: 'string', default: 'on' } },
    allowPositionals: true,
  })
  const runs = Number(values.runs)
  if (!Number.isInteger(runs) || runs < 1) throw new Error(`--runs ${values.runs} is no number`)
  const { live } = values
  if (live !== 'on' && live !== 'off') throw new Error(`--live ${live}: it is on or off`)
  const faults = faultsOf(positionals)
  const { close } = await openRun()
  const verdicts: Verdict[] = []
  try {
    const fleet = await startFleet(fleetOf(live))
    try {
      const plateau = await steady(fleet)
      for (let run = 1; run <= runs; run++)
        for (const fault of faults) {
          process.stderr.write(`run ${run}: ${fault.id} ${fault.title} ... `)
          const verdict = await judge(fault, fleet, plateau)
          verdicts.push(verdict)
          const word = verdict.pass ? 'pass' : 'FAIL'
          process.stderr.write(`${word} in ${verdict.seconds} s: ${verdict.figure}\n`)
          for (const violation of verdict.violations.slice(0, 20))
            process.stderr.write(`  ${violation}\n`)
          if (!verdict.pass) keepLogs(fleet, `${fault.id}-${run}`)
        }
    } finally {
      await fleet.stop()
    }
  } finally {
    await close()
  }
  const file = join(import.meta.dirname, 'results.json')
  writeFileSync(file, `${JSON.stringify({ at: new Date().toISOString(), verdicts }, null, 1)}\n`)
  process.stdout.write(`\n${printTable(verdicts)}\n`)
  if (verdicts.some(({ pass }) => !pass)) process.exitCode = 1
}

/** What every process wrote, beside the results, to find out why. */
function keepLogs({ machines }: LabFleet, name: string): void {
  const folder = join(import.meta.dirname, 'failed', name)
  mkdirSync(folder, { recursive: true })
  for (const machine of machines)
    for (const [program, process] of machine.processes)
      writeFileSync(join(folder, `${machine.name}-${program}.log`), process.log())
}

await main()
