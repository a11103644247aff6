import type { Endpoint } from '../model/endpoint.ts'
import { ProblemError } from '../model/problem.ts'
import type { Control } from './api/control.ts'
import type { Catalog } from './catalog.ts'
import { leave } from './deadline.ts'
import type { Placement } from './place/placement.ts'
import type { Board } from './wake/board.ts'
import type { Proof } from './wake/proof.ts'
import type { Starter } from './wake/start.ts'
import { Stopwatch } from './wake/stopwatch.ts'
import type { Wakes } from './wake/wake.ts'

export interface ControlOptions {
  catalog: Catalog
  wakes: Pick<Wakes, 'ask'>
  board: Board
  starter: Pick<Starter, 'start'>
  placement: Pick<Placement, 'judge'>
  proof: Pick<Proof, 'of'>
}

/** What the private API is given of the parts that wake apps. */
export function controlOf({
  catalog,
  wakes,
  board,
  starter,
  placement,
  proof,
}: ControlOptions): Control {
  return {
    wake: async (name, onProgress, signal) => {
      const app = catalog.find(name)
      if (!app) throw new ProblemError('unknown-app', { detail: name.slice(0, 63) })
      const unfollow = onProgress ? board.follow(onProgress, app.name) : () => {}
      try {
        return await leave(wakes.ask(app, { question: null, dead: '' }), signal)
      } finally {
        unfollow()
      }
    },
    prove: (name) => proof.of(name),
    bring: async (what) => {
      const run = { ...what, patient: true, watch: new Stopwatch() }
      // Patient, so never null: it ends with an Endpoint or throws.
      return (await starter.start(run)) as Endpoint
    },
    judge: (app, slot) => placement.judge(app, slot),
    progress: (name) => board.current(name),
    onProgress: (listener) => board.follow(listener),
  }
}
