import type { App } from '../../model/app.ts'
import { canonical } from '../../model/name.ts'
import type { Host } from '../../model/record.ts'
import type { State } from '../../model/state.ts'

/**
 * Why an app that has the network of its host cannot listen there, or null: another app has an Endpoint at its very
 * port, and would be taken for it.
 */
export function whyTaken(
  app: Pick<App, 'name' | 'port' | 'network'>,
  { address }: Pick<Host, 'address'>,
  endpoints: State['endpoints'],
): string | null {
  if (app.network !== 'host') return null
  for (const [name, slots] of endpoints)
    for (const { value } of slots.values())
      if (name !== canonical(app.name) && value.host === address && value.port === app.port)
        return `has ${name} at port ${app.port}`
  return null
}
