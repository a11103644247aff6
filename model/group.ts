import type { App } from './app.ts'
import { canonical } from './name.ts'

/** What says that a network or a volume is ours, and whose it is. */
export const GROUP_LABEL = 'reveille.group'
export const VOLUME_LABEL = 'reveille.volume'

/** Apps that share a network and volumes on one host. */
type Member = Pick<App, 'name' | 'group' | 'volumes'>

/** Whose volumes an app uses: those of its group, else its own. Lower case. */
export function scopeOf(app: Pick<App, 'name' | 'group'>): string {
  return canonical(app.group ?? app.name)
}

/** Whether the app is bound to the host where its group or its volumes are. */
export function isBound({ group, volumes }: Pick<Member, 'group' | 'volumes'>): boolean {
  return group !== undefined || volumes.length > 0
}

/** The network that members of a group, and nobody else, are in. */
export function networkName(group: string): string {
  return `reveille-${canonical(group)}`
}

/** The engine's name of a volume. No name has a dot: `a` and `b-c` never meet `a-b` and `c`. */
export function volumeName(scope: string, volume: string): string {
  return `reveille-${canonical(scope)}.${canonical(volume)}`
}
