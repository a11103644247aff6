import type { z } from 'zod'
import { formatEndpoint, parseEndpoint } from '../model/endpoint.ts'
import { isPlainPath } from '../model/route.ts'
import type { Settings } from '../model/setting.ts'
import type { Api } from './client.ts'
import { Refusal } from './failure.ts'
import { Gateways } from './reply.ts'

/** Where browsers find the apps by their names, without a slash at the end: as told, else as the first gateway says of itself. */
export async function gatewayOf(settings: Settings, api: Api): Promise<string> {
  if (settings.gateway) return settings.gateway.replace(/\/$/, '')
  const [first] = await listening(api)
  const prefix = isPlainPath(first?.pathPrefix ?? '') ? first?.pathPrefix : ''
  return originOf(first?.listen ?? settings.listen, settings.api) + (prefix ?? '')
}

/** The gateways that say where they listen, by their ids. */
async function listening(api: Api): Promise<z.output<typeof Gateways>['gateways']> {
  try {
    const found = Gateways.safeParse(await api.get('/v1/gateways'))
    const gateways = found.success ? found.data.gateways : []
    return gateways
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .filter(({ listen }) => listen !== undefined && parseEndpoint(listen))
  } catch (error) {
    if (error instanceof Refusal) return []
    throw error
  }
}

/** The URL of address:port; an address that stands for all is that of the machine the API is asked on. */
function originOf(listen: string, api: string): string {
  const endpoint = parseEndpoint(listen) ?? { host: '127.0.0.1', port: 80 }
  const isAny = endpoint.host === '0.0.0.0' || endpoint.host === '::'
  const port = endpoint.port === 80 ? '' : `:${endpoint.port}`
  if (isAny) return `http://${new URL(api).hostname}${port}`
  return `http://${formatEndpoint(endpoint).replace(/:[0-9]+$/, '')}${port}`
}
