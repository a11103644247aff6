import { z } from 'zod'
import { App } from '../../model/app.ts'
import { Env } from '../../model/env.ts'
import { Image } from '../../model/image.ts'
import { AppName, canonical, isAppName } from '../../model/name.ts'
import { ProblemError } from '../../model/problem.ts'
import { isTraefikPort } from '../../model/traefik.ts'
import { complaints } from '../api/problems.ts'

/** What is asked for by `POST /deploy`. */
export const DeployRequest = z.strictObject({
  name: AppName,
  network: z.string().max(63).default('').describe('network its containers share; see the guide'),
  image: Image,
  labels: z
    .record(z.string().max(256), z.string().max(4096))
    .refine((labels) => Object.keys(labels).length <= 64, 'must be at most 64')
    .default({}),
  envs: Env.default({}),
})
export type DeployRequest = z.output<typeof DeployRequest>

/** What it comes to. */
export interface Translation {
  app: App
  /** labels that say nothing here */
  ignored: string[]
}

const HEALTH = new Set(['healthcheck', 'health-check'])
const URL_FORM = /^http:\/\/([A-Za-z0-9._-]+)(?::([1-9][0-9]{0,4}))?(\/.*)?$/
/** Where a container is not isolated, or not reached. */
const REFUSED = /^(?:host|none|container:.*)$/
/** Networks everybody is in by default: the engine's bridge. */
const PLAIN = new Set(['', 'bridge', 'default'])

/** What the groups are called that networks of the spawner become: no operator's group is ever joined. */
export const GROUP_PREFIX = 'spawner-'

/** The App that is meant. Throws ProblemError `invalid-input` that names what cannot be. */
export function translate(request: DeployRequest): Translation {
  const { name, image, labels, envs, network } = request
  const wrong: { path: string; message: string }[] = []
  const refuse = (path: string, message: string): void => void wrong.push({ path, message })
  const ignored: string[] = []
  let check: { port: number; path: string } | null = null
  let port: number | null = null
  for (const [label, value] of Object.entries(labels)) {
    const path = `labels.${label}`
    if (HEALTH.has(label)) {
      check = readCheck(value, name)
      if (!check) refuse(path, `must be http://${name}:<port>/<path>: it is asked itself`)
    } else if (isTraefikPort(label)) {
      port = Number(value)
      if (!/^[1-9][0-9]{0,4}$/.test(value)) refuse(path, 'must be a port')
    } else if (label.startsWith('traefik.')) ignored.push(label)
    else if (label !== 'origin' || value !== 'spawner')
      refuse(path, 'is not known here: labels are healthcheck, and traefik.* which say nothing')
  }
  if (check && port !== null && check.port !== port)
    refuse('labels', `it is asked at port ${check.port} and used at port ${port}: one port is told`)
  const group = groupOf(network)
  if (group === null)
    refuse(
      'network',
      `must be a name of up to 54 letters, digits, "-" or "_", and never ${network}`,
    )
  const at = port ?? check?.port
  const parsed = App.safeParse({
    ...{ name, image, env: envs, origin: 'spawner' },
    ...(at !== undefined && { port: at }),
    ...(check && { health: { type: 'auto', path: check.path } }),
    ...(group && { group }),
  })
  if (!parsed.success)
    for (const { path, message } of complaints(parsed.error))
      refuse(path === 'health.path' ? 'labels.healthcheck' : path, message)
  if (wrong.length > 0 || !parsed.success)
    throw new ProblemError('invalid-input', { errors: wrong })
  return { app: parsed.data, ignored }
}

/** Where the label says the app is asked: at itself, for the launcher's network is no place to look around in. */
function readCheck(text: string, name: string): { port: number; path: string } | null {
  const [match, host = '', port = '80', path = '/'] = URL_FORM.exec(text) ?? []
  if (match === undefined) return null
  const own = new Set([canonical(name), 'localhost', '127.0.0.1'])
  return own.has(canonical(host)) ? { port: Number(port), path } : null
}

/** '' for the engine's bridge, null for what is refused. */
function groupOf(network: string): string | null {
  if (PLAIN.has(network)) return ''
  const group = `${GROUP_PREFIX}${network}`
  return REFUSED.test(network) || !isAppName(network) || !isAppName(group) ? null : group
}
