import type { App } from '../../model/app.ts'
import { Failure } from '../failure.ts'
import { pathOf, type Session } from '../session.ts'

/** An App that is there, as it was; its name may be another spelling of the new one's. */
export interface Earlier {
  name: string
}

/**
 * Stores the apps, or none of them: what was stored before one is refused is taken back.
 * @param earlier what gives way, by the names of `apps`
 * @throws Failure that says which was refused and why, and what could not be taken back
 */
export async function storeAll(
  { api }: Pick<Session, 'api'>,
  apps: readonly App[],
  earlier: ReadonlyMap<string, Earlier>,
): Promise<void> {
  const done: App[] = []
  for (const app of apps)
    try {
      const before = earlier.get(app.name)
      // what came to be meanwhile does not give way
      if (!before) await api.send('POST', '/v1/apps', { body: app })
      else
        await api.send('PUT', pathOf('app', before.name), { body: { ...app, name: before.name } })
      done.push(app)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      const left = await takeBack({ api }, done, earlier)
      const state =
        left.length === 0
          ? 'Nothing was imported.'
          : `These could not be taken back: ${left.join(', ')}`
      throw new Failure(`${app.name}: ${error.message}`, [...error.hints, state])
    }
}

/** Returns what could not be. */
async function takeBack(
  { api }: Pick<Session, 'api'>,
  apps: readonly App[],
  earlier: ReadonlyMap<string, Earlier>,
): Promise<string[]> {
  const left: string[] = []
  for (const { name } of apps.toReversed()) {
    const before = earlier.get(name)
    // what needs it is taken back as well
    const undo = before
      ? api.send('PUT', pathOf('app', before.name), { body: before })
      : api.send('DELETE', `${pathOf('app', name)}?force=1`)
    await undo.catch(() => left.push(name))
  }
  return left
}
