import { type Container, isDozing } from '../../model/container.ts'
import { isMadeByHand, readLabels, writeLabels } from '../../model/label.ts'
import { containerName } from '../../model/name.ts'
import type { Network } from '../../model/network.ts'
import { ProblemError } from '../../model/problem.ts'
import { clearAway, layGround } from '../place/ground.ts'
import { isMadeFrom, revisionOf } from '../revision.ts'
import { startFailed } from './failure.ts'
import { lost } from './fault.ts'
import type { Launch } from './launch.ts'

/** Throws if somebody else may have the right by now: queues and pulls take long. */
export function allowed({ app, claim, signal }: Launch): void {
  signal.throwIfAborted()
  if (!claim.valid()) throw lost(app.name)
}

/**
 * The id of a container that may be started: the one that is there if it fits its App, else a new one.
 * @param anew the one that is there will not do: what it was attached to is gone
 */
export async function prepare(launch: Launch, network: Network, anew: boolean): Promise<string> {
  const { app, slot, host, engine, container, report, watch } = launch
  const revision = revisionOf(app)
  if (container?.state === 'paused') {
    if (!isDozing(container) && !container.isCut)
      throw startFailed(app.name, `not startable: container ${container.name} is paused`)
    allowed(launch)
    await engine.stop(container.id, app.stopTimeout)
  }
  if (container && !anew && isStartable(container, revision)) return container.id
  if (container && isByHand(container)) {
    const why = anew ? 'its network is gone' : `it is ${container.state}`
    throw startFailed(app.name, `not startable: ${container.name} was made by hand, and ${why}`)
  }
  report({ phase: 'creating' })
  allowed(launch)
  if (container) await clearAway(container, engine)
  if (!launch.isCurrent())
    throw new ProblemError('unavailable', {
      app: app.name,
      detail: 'the app was changed or removed meanwhile',
      retryAfter: 1,
    })
  allowed(launch)
  await layGround(app, host.name, engine.groups, launch.hold)
  const { port, health, idleAfter, sleep, stopTimeout, min, group, dependsOn } = app
  const ties = {
    ...(group !== undefined && { group }),
    ...(dependsOn.length > 0 && { dependsOn }),
  }
  const terms = { idleAfter, sleep, stopTimeout, min }
  const spec = { app: app.name, slot, port, health, ...terms, revision, ...ties }
  try {
    const labels = { ...writeLabels(spec), ...(app.origin && { origin: app.origin }) }
    const request = { name: containerName(app.name, slot), app, labels }
    const id = await engine.create({ ...request, publish: host.publish, network })
    watch.lap('create')
    return id
  } catch (error) {
    await dropUnused(launch)
    throw error
  }
}

/** A network goes with its last container: one that never had any would take a subnet of the host for good. */
export async function dropUnused({ app, engine }: Pick<Launch, 'app' | 'engine'>): Promise<void> {
  if (app.group !== undefined) await engine.groups.dropNetwork(app.group).catch(() => {})
}

function isByHand({ labels }: Container): boolean {
  const found = readLabels(labels)
  return found.ok && isMadeByHand(found.spec)
}

/** One that was paused is stopped by now. */
function isStartable(container: Container, revision: string): boolean {
  const { state, isCut } = container
  if (state !== 'exited' && state !== 'created' && state !== 'paused' && !isCut) return false
  return isMadeFrom(container, revision)
}
