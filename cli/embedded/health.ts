import { formatEndpoint, parseEndpoint } from '../../model/endpoint.ts'
import type { Settings } from '../../model/setting.ts'

/** One of our processes and the URL that answers while it is well. */
export interface Vital {
  name: string
  url: string
  /** the status that says so, 200 unless given */
  status?: number
  /** any answer will do */
  lenient?: boolean
}

/** A URL of an address something listens on; one that stands for all addresses is asked on the loopback. */
export function urlOf(listen: string, path = ''): string {
  const { host, port } = parseEndpoint(listen) ?? { host: '127.0.0.1', port: 0 }
  const near = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${formatEndpoint({ host: near, port })}${path}`
}

export function vitalsOf(settings: Settings): Vital[] {
  return [
    { name: 'registrar', url: urlOf(settings.registrarAdmin, '/healthz') },
    { name: 'launcher', url: urlOf(settings.apiListen, '/healthz') },
    { name: 'controller', url: urlOf(settings.controllerAdmin, '/healthz') },
    {
      name: settings.proxy,
      url: urlOf(settings.listen, '/_reveille/generation'),
      lenient: settings.confirm === 'off', // a template of one's own need not have that path
    },
  ]
}

/** A name for which there is no app. */
const NOBODY = 'reveille-up-asks'

/**
 * Answers 404 as soon as the gateway asks the launcher, and 503 before. A real name wakes an app where some blueprint is
 * for all names; only the demo's blueprints are known not to be.
 */
export function junctionOf(settings: Settings): Vital {
  const { demo, cookie, unknown } = settings
  const isPlain = cookie === '' && unknown === '404'
  const path = demo && isPlain ? `${settings.pathPrefix}/${NOBODY}/` : `/_reveille/events/${NOBODY}`
  const lenient = settings.confirm === 'off' // a template of one's own may answer differently
  return { name: 'gateway', url: urlOf(settings.listen, path), status: 404, lenient }
}

/** Why it is not well, or ''. */
export async function ask({ url, status = 200, lenient = false }: Vital): Promise<string> {
  try {
    const answer = await fetch(url, {
      signal: AbortSignal.timeout(2_000),
      headers: { connection: 'close' },
    })
    const text = (await answer.text()).slice(0, 300)
    return answer.status === status || lenient ? '' : `${answer.status} ${text}`
  } catch (error) {
    const { cause, message } = error as Error
    return (cause instanceof Error && cause.message) || message
  }
}
