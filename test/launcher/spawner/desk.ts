import type { LightMyRequestResponse } from 'fastify'
import { vi } from 'vitest'
import { checkPassword, hashPassword } from '../../../adapters/password.ts'
import type { SpawnerOptions } from '../../../launcher/spawner/spawner.ts'
import { formatEndpoint } from '../../../model/endpoint.ts'
import { openStage, type Stage, type StageOptions } from '../api/stage.ts'

export const PASSWORD = 'a-password-for-tests'

/** The spawner API at which `home` may log in, on an etcd of its own. Apps wake at once, at addresses made up. */
export interface Desk {
  stage: Stage
  users: Map<string, string>
  token: string
  /** apps that were woken */
  woken: string[]
  ask(method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, body?: object | string): Answer
  close(): Promise<void>
}
type Answer = Promise<LightMyRequestResponse>

export async function openDesk(
  options: StageOptions & { also?: Partial<SpawnerOptions> } = {},
): Promise<Desk> {
  const users = new Map([['home', await hashPassword(PASSWORD)]])
  const woken: string[] = []
  let port = 20_000
  const stage = await openStage({
    ...options,
    spawner: { login: { users: async () => users, check: checkPassword }, ...options.also },
    control: {
      wake: async (name) => {
        woken.push(name)
        const endpoint = { host: '10.9.0.1', port: port++ }
        await stage.store.put(stage.keys.endpoint(name, 0), formatEndpoint(endpoint))
        await vi.waitUntil(() => stage.catalog.endpoint(name, 0) !== null, 10_000)
        return endpoint
      },
      ...options.control,
    },
  })
  const { spawner } = stage
  if (!spawner) throw new Error('there is no spawner')
  const login = await spawner.inject({
    method: 'POST',
    url: '/login',
    payload: { username: 'home', password: PASSWORD },
  })
  const { token } = login.json<{ token: string }>()
  return {
    ...{ stage, users, token, woken },
    ask: async (method, url, body) =>
      spawner.inject({
        ...{ method, url, headers: { token, 'content-type': 'application/json' } },
        ...(body !== undefined && { payload: body }),
      }),
    close: () => stage.close(),
  }
}
