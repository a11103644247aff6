import type { App } from '../../model/app.ts'
import { type Container, isDozing } from '../../model/container.ts'
import type { Engine } from '../engine.ts'
import { isMadeFrom, revisionOf } from '../revision.ts'
import type { Run } from './start.ts'

/** A container that sleeps frozen, and who may let it go on. */
export interface Dozing {
  run: Pick<Run, 'watch' | 'signal'>
  id: string
  engine: Pick<Engine, 'unpause'>
  /** throws if somebody else may have the right by now */
  allowed(): void
}

/** The container that only has to go on: it has its room, its address and all that it had in memory. Else null. */
export function dozing(container: Container | null, app: App): Container | null {
  return container && isDozing(container) && isMadeFrom(container, revisionOf(app))
    ? container
    : null
}

/**
 * Lets a container go on. It stands in no line: this costs its host next to nothing, and a crowd of starts would make it
 * as late as they are. Rejects with the engine's error, `conflict` or `not-found` if it has ended meanwhile.
 */
export async function thaw({ run, id, engine, allowed }: Dozing): Promise<string> {
  run.watch.lap('queue')
  run.signal.throwIfAborted()
  allowed()
  await engine.unpause(id)
  run.watch.lap('start')
  return id
}
