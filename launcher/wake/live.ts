import type { Gateway } from '../../model/record.ts'
import type { Catalog } from '../catalog.ts'

/** How long gateways may take to lead to what is ready, milliseconds: a reload a second, and its proof. */
const LIMIT = 10_000

/**
 * Waits until the gateways lead to slot 0 of an app. Null once all of them do, or when the time is over and some do; else
 * why none does. Held requests need no such proof, as they are told where to go; it is for who comes anew.
 */
export async function whyNotLive(
  app: string,
  catalog: Catalog,
  limit = LIMIT,
): Promise<string | null> {
  const isWhole = (): boolean => {
    const { all, behind } = routesTo(app, catalog)
    return all.length > 0 && behind.length === 0
  }
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      stop()
      resolve()
    }
    const stop = catalog.onChange(() => isWhole() && done())
    const timer = setTimeout(done, limit)
    if (isWhole()) done()
  })
  const { all, behind } = routesTo(app, catalog)
  if (behind.length < all.length) return null
  if (all.length === 0) return 'there is no gateway that could lead to it'
  return behind.map(({ id, failure }) => `${id}: ${failure ?? 'its routes are older'}`).join('; ')
}

/** The gateways there are, and those that do not lead to the app. */
function routesTo(app: string, catalog: Catalog): { all: Gateway[]; behind: Gateway[] } {
  const all = [...catalog.state.gateways.values()].map(({ value }) => value)
  const entry = catalog.state.slots(app).get(0)?.entry
  const isBehind = ({ applied, rejected }: Gateway): boolean =>
    !entry ||
    BigInt(applied) < BigInt(entry.modRevision) ||
    rejected.some(({ key }) => key === entry.key)
  return { all, behind: all.filter(isBehind) }
}
