import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setup } from '../test/lab/setup-engine.ts'
import { benchCold } from './cold.ts'
import { benchDeath } from './death.ts'
import { benchNames } from './names.ts'
import { printTable, type Report, type Row } from './report.ts'
import { benchRoute } from './route.ts'
import { benchStorm } from './storm.ts'
import { benchUnknown } from './unknown.ts'
import { benchWarm } from './warm.ts'

const PARTS: Record<string, () => Promise<Report>> = {
  cold: benchCold,
  warm: benchWarm,
  route: benchRoute,
  unknown: benchUnknown,
  death: benchDeath,
  storm: benchStorm,
  names: benchNames,
}

/** Measures the parts named on the command line, or all; prints one table, writes everything measured as JSON. */
async function main(names: string[]): Promise<void> {
  for (const name of names)
    if (!PARTS[name]) throw new Error(`no part ${name}; there are ${Object.keys(PARTS).join(', ')}`)
  const takeDown = await setup()
  const rows: Row[] = []
  const data: Record<string, object> = {}
  try {
    for (const [name, part] of Object.entries(PARTS)) {
      if (names.length > 0 && !names.includes(name)) continue
      process.stderr.write(`measuring ${name} ...\n`)
      const report = await part()
      rows.push(...report.rows)
      data[name] = report.data
    }
  } finally {
    await takeDown()
  }
  const file = join(import.meta.dirname, 'results.json')
  writeFileSync(file, `${JSON.stringify({ at: new Date().toISOString(), rows, data }, null, 1)}\n`)
  process.stdout.write(`${printTable(rows)}\n\nEverything measured is in bench/results.json.\n`)
}

await main(process.argv.slice(2))
