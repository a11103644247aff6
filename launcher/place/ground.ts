import type { App } from '../../model/app.ts'
import { scopeOf } from '../../model/group.ts'
import { canonical } from '../../model/name.ts'
import { mountsOf } from '../../model/volume.ts'
import { startFailed } from '../wake/failure.ts'
import type { Hold } from './home.ts'

/** The part of an engine that groups use. */
export interface Grounds {
  provideNetwork(group: string): Promise<void>
  dropNetwork(group: string): Promise<void>
  hasVolume(scope: string, volume: string): Promise<boolean>
  createVolume(scope: string, volume: string): Promise<void>
  removeVolume(scope: string, volume: string): Promise<void>
}

/** The names of an app's volumes, each once, in lower case. */
export function volumesOf(app: App): string[] {
  return [...new Set(mountsOf(app.volumes).map(({ volume }) => canonical(volume)))]
}

/**
 * Makes what a container of the app is attached to: its group's network and its volumes. Throws `start-failed` for a
 * volume that was there once and is gone: an app must not begin anew with an empty one and nobody knowing.
 */
export async function layGround(
  app: App,
  host: string,
  grounds: Grounds,
  hold: Hold | null,
): Promise<void> {
  if (app.group !== undefined) await grounds.provideNetwork(app.group)
  const volumes = volumesOf(app)
  if (!hold || volumes.length === 0) return
  const scope = scopeOf(app)
  for (const volume of volumes)
    if (!hold.volumes.has(volume)) await grounds.createVolume(scope, volume)
    else if (!(await grounds.hasVolume(scope, volume)))
      throw startFailed(
        app.name,
        `its volume ${volume} is gone from ${host}; to begin with an empty one: reveille app rm --volumes, and add it again`,
      )
}
