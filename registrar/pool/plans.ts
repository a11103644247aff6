import { type AddressPolicy, admitEndpoint } from '../../model/endpoint.ts'
import { isAppName } from '../../model/name.ts'
import { Pool } from '../../model/pool.ts'
import { backendVariable, PoolFile, type PoolPlan, Servers } from '../../model/pool-plan.ts'

/** Where it is said what this process keeps. */
export interface PlanSources {
  /** content of the file of pools, null if there is none */
  file: string | null
  /** `<pool>=<servers>` */
  servers: readonly string[]
  env: Readonly<Record<string, string | undefined>>
}

/**
 * The pools of this process: of the file, and those that servers are listed for. What a flag lists takes the place of
 * what the variable `<POOL>_BACKEND` lists, and that of what the file lists.
 * @throws Error that names what is wrong where
 */
export function readPlans({ file, servers, env }: PlanSources, policy: AddressPolicy): PoolPlan[] {
  const plans = new Map((file === null ? [] : readFile(file)).map((plan) => [plan.pool.name, plan]))
  const lists = new Map(servers.map(readList))
  for (const name of lists.keys())
    if (!plans.has(name)) plans.set(name, { pool: Pool.parse({ name }), servers: [], scan: [] })
  for (const [name, plan] of plans) {
    const variable = backendVariable(name)
    const text = lists.get(name) ?? env[variable]
    if (text === undefined) continue
    const where = lists.has(name) ? `--servers ${name}` : variable
    plan.servers = readServers(where, text)
  }
  for (const { pool, servers: listed } of plans.values())
    for (const address of listed) {
      const verdict = admitEndpoint(address, policy)
      if (!verdict.ok) throw new Error(`server ${address} of pool ${pool.name}: ${verdict.reason}`)
    }
  return [...plans.values()]
}

function readFile(text: string): PoolPlan[] {
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch (error) {
    throw new Error(`the file of pools is not JSON: ${(error as Error).message}`)
  }
  const parsed = PoolFile.safeParse(data)
  if (parsed.success) return parsed.data
  const [first] = parsed.error.issues
  throw new Error(`the file of pools: ${first?.path.join('.') ?? ''}: ${first?.message ?? ''}`)
}

function readList(text: string): [string, string] {
  const [name = '', ...rest] = text.split('=')
  if (!isAppName(name) || rest.length !== 1)
    throw new Error(`--servers ${text.slice(0, 80)}: must be <pool>=<servers separated by spaces>`)
  return [name, rest[0] ?? '']
}

function readServers(where: string, text: string): string[] {
  const parsed = Servers.safeParse(text)
  if (parsed.success) return parsed.data
  throw new Error(`${where}: ${parsed.error.issues[0]?.message ?? ''}`)
}
