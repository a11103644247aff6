import { z } from 'zod'
import { type Endpoint, formatEndpoint, parseEndpoint } from '../model/endpoint.ts'
import { canonical, isAppName } from '../model/name.ts'
import type { Held, State } from '../model/state.ts'
import { contest } from './contest.ts'

/** host:port in its one plain spelling */
const Address = z.string().refine((text) => {
  const endpoint = parseEndpoint(text)
  return endpoint !== null && formatEndpoint(endpoint) === text
}, 'must be address:port')

const Port = z.number().int().min(1)

/**
 * What a template is rendered from: everything the proxy has to know, and nothing it could read as syntax.
 * docs/template.md describes it for authors of templates.
 */
export const GatewayPlan = z.strictObject({
  /** number of this configuration; `/_reveille/generation` answers it */
  generation: z.number().int().min(0),
  /** running apps, sorted by name; names are canonical, endpoints sorted by slot */
  apps: z.array(
    z.strictObject({
      name: z.string().refine((name) => isAppName(name) && canonical(name) === name),
      endpoints: z.array(Address).min(1),
    }),
  ),
  /** who to ask about apps that do not run, sorted */
  launchers: z.array(Address),
  /** where the gateway listens */
  listen: Address,
  /** where to report used apps, by UDP */
  activity: Address,
  /** how long a launcher holds a request, seconds */
  holdTimeout: z.number().int().min(1),
  /** absolute path of a folder for the proxy's pid file and temporary files */
  folder: z.string().regex(/^\/[A-Za-z0-9._/@+-]{0,200}$/, 'must be a plain absolute path'),
  /** whom the proxy's workers run as; '' where the proxy is not started by root */
  user: z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$|^$/),
  /** connections of one worker */
  connections: Port,
  /** open files of one worker */
  files: Port,
})
export type GatewayPlan = z.output<typeof GatewayPlan>

/** What a plan has besides what etcd says: settings and facts of this machine. */
export type Surroundings = Omit<GatewayPlan, 'generation' | 'apps' | 'launchers'> & {
  /** launchers to ask besides the registered ones */
  launchers: readonly string[]
}

/** Decides the whole configuration. Pure and sorted: the same entries, in whatever order they came, give the same plan. */
export function planGateway(
  state: Pick<State, 'endpoints' | 'launchers'>,
  surroundings: Surroundings,
  generation: number,
): GatewayPlan {
  const registered = contest(state, surroundings.launchers).launchers
  const launchers = unique([...surroundings.launchers, ...registered]).sort()
  const apps = [...state.endpoints]
    .map(([name, slots]) => ({ name, endpoints: addresses(slots, launchers) }))
    .filter((app) => app.endpoints.length > 0)
    .sort((left, right) => (left.name < right.name ? -1 : 1))
  return { ...surroundings, generation, apps, launchers }
}

/** Endpoints in a plan. */
export function countEndpoints(plan: Pick<GatewayPlan, 'apps'>): number {
  return plan.apps.reduce((sum, app) => sum + app.endpoints.length, 0)
}

/** By slot, without what is a launcher's address. */
function addresses(slots: ReadonlyMap<number, Held<Endpoint>>, launchers: string[]): string[] {
  const sorted = [...slots].sort(([left], [right]) => left - right)
  const texts = sorted.map(([, held]) => formatEndpoint(held.value))
  return unique(texts.filter((text) => !launchers.includes(text)))
}

function unique(list: string[]): string[] {
  return [...new Set(list)]
}
