import type { App } from '../../model/app.ts'
import type { Container } from '../../model/container.ts'
import { GROUP_LABEL, scopeOf } from '../../model/group.ts'
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

/**
 * Removes a container that does not run, and the network of its group if it was the last one in it: an engine has
 * addresses for some thirty networks only. Throws the engine's error if the container stays.
 */
export async function clearAway(
  { id, labels }: Pick<Container, 'id' | 'labels'>,
  engine: { remove(id: string): Promise<void>; groups: Pick<Grounds, 'dropNetwork'> },
): Promise<void> {
  await engine.remove(id)
  const group = labels[GROUP_LABEL]
  // One that stays is used again, or dropped with the next container of the group.
  if (group !== undefined) await engine.groups.dropNetwork(group).catch(() => {})
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
