import { setup } from '../test/lab/setup-engine.ts'
import { benchChurn } from './churn.ts'
import { benchCold } from './cold.ts'
import { children } from './cpu.ts'
import { benchCycles } from './cycles.ts'
import { benchDeath } from './death.ts'
import { benchDepth } from './depth.ts'
import { benchHerd } from './herd.ts'
import { benchIdle } from './idle.ts'
import { benchMemory } from './memory.ts'
import { benchNames } from './names.ts'
import { benchNetworks } from './networks.ts'
import { writePage } from './page.ts'
import { printTable, type Report, type Row } from './report.ts'
import { measure } from './results.ts'
import { benchRoute } from './route.ts'
import { benchStorm } from './storm.ts'
import { benchUnknown } from './unknown.ts'
import { benchWarm } from './warm.ts'

const PARTS: Record<string, () => Promise<Report>> = {
  cold: benchCold,
  depth: benchDepth,
  warm: benchWarm,
  route: benchRoute,
  churn: benchChurn,
  cycles: benchCycles,
  herd: benchHerd,
  memory: benchMemory,
  idle: benchIdle,
  unknown: benchUnknown,
  death: benchDeath,
  storm: benchStorm,
  names: benchNames,
  networks: benchNetworks,
}

/**
 * Measures the parts named on the command line, or all; prints one table, keeps what they came to in bench/results.json,
 * and writes that into docs/performance.md. A part that fails costs the others nothing but the status.
 */
async function main(names: string[]): Promise<void> {
  for (const name of names)
    if (!PARTS[name]) throw new Error(`no part ${name}; there are ${Object.keys(PARTS).join(', ')}`)
  const takeDown = await setup()
  const rows: Row[] = []
  const failed: string[] = []
  try {
    for (const [name, part] of Object.entries(PARTS)) {
      if (names.length > 0 && !names.includes(name)) continue
      const began = Date.now()
      process.stderr.write(`measuring ${name} ...\n`)
      try {
        rows.push(...(await measure(name, part)))
      } catch (error) {
        failed.push(name)
        process.stderr.write(`${name} failed: ${(error as Error).stack}\n`)
      }
      process.stderr.write(`  ${Math.round((Date.now() - began) / 1000)} s\n`)
    }
  } finally {
    await takeDown()
  }
  writePage()
  process.stdout.write(
    `${printTable(rows)}\n\nbench/results.json has it, docs/performance.md shows it.\n`,
  )
  if (failed.length > 0) throw new Error(`not measured: ${failed.join(', ')}`)
}

/** Ends what runs; the rest is cleared away by bench/run.sh, whatever state it is in. */
async function leave(): Promise<void> {
  for (const pid of children(process.pid)) process.kill(pid, 'SIGTERM')
  for (let i = 0; i < 100 && children(process.pid).length > 0; i += 1)
    await new Promise((resolve) => setTimeout(resolve, 100))
  process.exit(130)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void leave())
await main(process.argv.slice(2))
