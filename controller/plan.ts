import { z } from 'zod'
import { formatEndpoint, parseEndpoint } from '../model/endpoint.ts'
import { canonical, isAppName } from '../model/name.ts'
import { PIN } from '../model/pin.ts'
import { balancing } from '../model/pool.ts'
import { Reading } from '../model/reading.ts'
import { isHostName, isPlainPath } from '../model/route.ts'
import { AccessLog } from '../model/setting/access-log.ts'
import type { Awarded } from './award.ts'
import { type Known, planApp } from './plan-app.ts'

/** host:port in its one plain spelling */
const Address = z.string().refine((text) => {
  const endpoint = parseEndpoint(text)
  return endpoint !== null && formatEndpoint(endpoint) === text
}, 'must be address:port')

const Port = z.number().int().min(1)
const Name = z.string().refine((name) => isAppName(name) && canonical(name) === name)

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
      name: Name,
      /** whether its name leads to it; if not, only routes do */
      named: z.boolean().default(true),
      endpoints: z.array(Address).min(1),
      /** whether clients stay with an instance */
      sticky: z.boolean().default(false),
      /** of a sticky app: what stands for each instance in a client's cookie, sorted by slot; else empty */
      instances: z
        .array(z.strictObject({ id: z.string().regex(PIN), endpoint: Address }))
        .default([]),
      /** where cookies that name apps are signed: what follows its name and a dot in one; '' where they are not */
      signature: z
        .string()
        .regex(/^(?:[0-9a-f]{64})?$/)
        .default(''),
      /** whether it is a pool: no launcher knows more of its servers than the gateway does */
      pool: z.boolean().default(false),
      /** how requests are spread, and when a server is left out; `weights` of those that differ from `weight` */
      ...balancing,
    }),
  ),
  /** what leads to apps, running or not, besides their names: no two alike, the most specific ones first */
  routes: z
    .array(
      z.strictObject({
        /** in lower case; '' for any */
        host: z.string().refine((host) => host === '' || isHostName(host)),
        /** in lower case, without a slash at its end; '' for all */
        path: z
          .string()
          .refine((path) => path === '' || (isPlainPath(path) && path.toLowerCase() === path)),
        /** for this path alone, with or without a slash at its end */
        exact: z.boolean(),
        app: Name,
      }),
    )
    .default([]),
  /** how requests name apps where no route says it */
  reading: Reading,
  /** who to ask about apps that do not run, sorted */
  launchers: z.array(Address),
  /** where the gateway listens */
  listen: Address,
  /** where to report used apps, by UDP */
  activity: Address,
  /** how long a launcher holds a request, seconds */
  holdTimeout: z.number().int().min(1),
  /** how long a WebSocket may be silent, seconds */
  silentSockets: z.number().int().min(1).max(3600).default(3600),
  /** where requests are logged: `off`, `syslog`, or a file */
  accessLog: AccessLog.default('off'),
  /** where nginx's modules are, if running apps are in a table in its memory; '' if they are in its configuration */
  live: z
    .string()
    .regex(/^(?:\/[A-Za-z0-9._/@+-]{1,200})?$/, 'must be a plain absolute path')
    .default(''),
  /** the number of the socket by which that table changes */
  door: z.number().int().min(0).max(9).default(0),
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
/** One of the running apps. */
export type AppPlan = GatewayPlan['apps'][number]
export type GatewayPlanInput = z.input<typeof GatewayPlan>

/** What a plan has besides what etcd says: settings and facts of this machine. */
export type Surroundings = Omit<
  GatewayPlan,
  'generation' | 'apps' | 'routes' | 'launchers' | 'door'
> & {
  /** what cookies that name an app are signed with; null where they are not */
  sign: ((name: string) => string) | null
  /** launchers to ask besides the registered ones */
  launchers: readonly string[]
}

/** All of a plan but the apps that run: what they have in common. */
export function planFrame(
  { launchers, routes }: { launchers: readonly string[]; routes: Awarded[] },
  { sign: _sign, ...surroundings }: Surroundings,
): GatewayPlan {
  const all = [...new Set([...surroundings.launchers, ...launchers])].sort()
  return { ...surroundings, generation: 0, apps: [], routes, launchers: all, door: 0 }
}

/** With all that run. Sorted: the same entries, in whatever order they came, give the same plan. */
export function planGateway(known: Known, frame: GatewayPlan, sign: Surroundings['sign']) {
  const apps = [...known.endpoints.keys()]
    .flatMap((name) => planApp(name, known, frame, sign) ?? [])
    .sort((left, right) => (left.name < right.name ? -1 : 1))
  return { ...frame, apps }
}

/** Endpoints in a plan. */
export function countEndpoints(plan: Pick<GatewayPlan, 'apps'>): number {
  return plan.apps.reduce((sum, app) => sum + app.endpoints.length, 0)
}
