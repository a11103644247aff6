import type { z } from 'zod'
import { formatDuration } from '../../model/duration.ts'
import { formatHealth } from '../../model/health.ts'
import type { AppView } from '../reply.ts'
import type { Session } from '../session.ts'

type Shown = z.output<typeof AppView>

/** What to type into a browser: the URL its name has, else what else leads to it. */
export async function whereIs(session: Session, app: Shown): Promise<string> {
  if (app.route !== 'none') return await session.urlOf(app.name)
  return app.routes.length > 0 ? app.routes.join(', ') : 'no gateway leads to it'
}

/** What is said of an app that depends on one that is not there: a slip of the pen, or its turn comes later. */
export function lacks(app: string, missing: string): string {
  return `${app} needs ${missing}, and there is no app of that name yet: it does not start before you add that\n`
}

/** What is odd about an app: what it lacks, that its last run crashed, that a blueprint made it. */
export function noteOf({ status: { missing, exitCode, blueprint } }: Shown): string {
  const notes = [
    missing === undefined ? '' : `needs ${missing.join(', ')}, which is not there`,
    exitCode === undefined ? '' : `exited (${exitCode})`,
    blueprint === undefined ? '' : `made by ${blueprint}`,
  ]
  return notes.filter((note) => note !== '').join(', ')
}

/** An app in full, field by field. */
export function describe({ limits, status, ...app }: Shown): Record<string, string> {
  return {
    name: app.name,
    ...(status.blueprint !== undefined && { madeBy: `blueprint ${status.blueprint}` }),
    ...(app.origin !== undefined && { madeBy: 'the spawner API' }),
    state: status.state,
    ...(status.exitCode !== undefined && { lastRun: `exited (${status.exitCode})` }),
    endpoints: status.slots.map(({ endpoint }) => endpoint).join(', '),
    lastUsed: status.lastUsed ?? 'not known',
    image: `${app.image}${app.prefetch ? ', pulled ahead' : ''}`,
    port: String(app.port),
    env: Object.entries(app.env)
      .map(([key, value]) => `${key}=${value}`)
      .join(' '),
    command: app.command?.join(' ') ?? "the image's own",
    health: formatHealth(app.health),
    idleAfter: formatDuration(app.idleAfter),
    sleep: app.sleep,
    startTimeout: formatDuration(app.startTimeout),
    stopTimeout: formatDuration(app.stopTimeout),
    instances: `${app.min} stay awake, ${app.replicas} while used`,
    hosts: app.constraints.join(', ') || 'any',
    antiAffinity: app.antiAffinity,
    ...(app.routes.length > 0 && { routes: app.routes.join(', ') }),
    sticky: app.sticky ? 'yes, by a cookie' : 'no',
    ...(app.dependsOn.length > 0 && { dependsOn: app.dependsOn.join(', ') }),
    ...(status.missing && { missing: `no app ${status.missing.join(', ')} is there yet` }),
    ...(app.group !== undefined && { group: app.group }),
    ...(app.network !== undefined && { network: app.network }),
    ...(app.volumes.length > 0 && { volumes: app.volumes.join(', ') }),
    limits: `${limits.memory / 1024 ** 2} MiB, ${limits.cpus} CPUs, ${limits.pids} processes`,
  }
}
