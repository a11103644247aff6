import { setTimeout as pause } from 'node:timers/promises'
import { processTable } from '../lab/process-table.ts'
import type { Subject } from './oracle.ts'

/** Milliseconds between two looks. */
const LOOK = 1_000

/** Looks all the time at the gateways' nginx workers. */
export class WorkerWatch {
  readonly #gateways: Subject['gateways']
  readonly #before: number[][]
  readonly #ending = new AbortController()
  readonly #running: Promise<void>
  #most = 0

  private constructor(gateways: Subject['gateways'], before: number[][]) {
    this.#gateways = gateways
    this.#before = before
    this.#running = this.#watch()
  }

  static async begin({ gateways }: Subject): Promise<WorkerWatch> {
    return new WorkerWatch(gateways, await workersOf(gateways))
  }

  /** The most that any gateway had beside as many as it began with, and whether they are the same ones still. */
  async stop(): Promise<{ old: number; stayed: boolean }> {
    this.#ending.abort()
    await this.#running
    const stayed = JSON.stringify(await workersOf(this.#gateways)) === JSON.stringify(this.#before)
    return { old: this.#most, stayed }
  }

  async #watch(): Promise<void> {
    const { signal } = this.#ending
    while (!signal.aborted) {
      await pause(LOOK, undefined, { signal }).catch(() => {})
      for (const [index, pids] of (await workersOf(this.#gateways)).entries())
        this.#most = Math.max(this.#most, pids.length - (this.#before[index]?.length ?? 0))
    }
  }
}

/** By gateway, sorted. */
async function workersOf(gateways: Subject['gateways']): Promise<number[][]> {
  const table = await processTable()
  return gateways.map(({ pid }) =>
    table.flatMap((row) => (row.parent === pid ? [row.pid] : [])).sort((a, b) => a - b),
  )
}
