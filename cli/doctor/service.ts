import type { Settings } from '../../model/setting.ts'
import { Gateways, Hosts } from '../reply.ts'
import { findToken } from '../session.ts'
import { ask, fieldsOf } from './ask.ts'
import { type Check, type Finding, fail, ok, warn } from './check.ts'

/** The /healthz of the services of this machine. One that does not run here may run elsewhere. */
export const checkServices: Check = async (settings) =>
  Promise.all([
    checkHealth('launcher', settings.api),
    checkHealth('controller', `http://${settings.controllerAdmin}`),
    checkHealth('registrar', `http://${settings.registrarAdmin}`),
  ])

async function checkHealth(service: string, url: string): Promise<Finding> {
  const name = `${service} ${new URL(url).host}`
  const answer = await ask(`${url.replace(/\/$/, '')}/healthz`)
  if (!answer.ok && answer.code === 'ECONNREFUSED')
    return warn(name, 'does not run', `Start it: reveille up, or reveille ${service}`)
  if (!answer.ok) return fail(name, answer.message || answer.code, 'Restart it, and see its log.')
  if (answer.status === 200) return ok(name, 'well')
  const { ok: _, ...detail } = fieldsOf(answer)
  const told = JSON.stringify(detail)
  if (answer.status !== 503)
    return fail(
      name,
      `answers ${answer.status}, not as ours`,
      'Another program has its port; see above.',
    )
  return fail(name, `ill: ${told}`, 'See its log, and what else is wrong here.')
}

/** The cluster as the API tells it: hosts whose engine answers, gateways that took every change. */
export const checkCluster: Check = async (settings: Settings) => {
  const base = settings.api.replace(/\/$/, '')
  const { token, source } = findToken(settings)
  const headers = { authorization: `Bearer ${token}` }
  const answer = await ask(`${base}/v1/hosts`, { headers })
  if (!answer.ok) return []
  if (answer.status === 401)
    return [
      fail(
        'api',
        'does not accept the token',
        `${source} Give the right one with --token, REVEILLE_TOKEN or --state-dir.`,
      ),
    ]
  const hosts = Hosts.safeParse(fieldsOf(answer))
  const gateways = Gateways.safeParse(fieldsOf(await ask(`${base}/v1/gateways`, { headers })))
  if (!hosts.success || !gateways.success)
    return [fail('api', `answers ${answer.status}, not as ours`, 'Correct --api.')]
  const findings: Finding[] = hosts.data.hosts.map(({ name, alive, instances }) =>
    alive
      ? ok(`host ${name}`, `${instances ?? 0} instances run`)
      : fail(
          `host ${name}`,
          'its engine does not answer the launcher',
          'Run reveille doctor there.',
        ),
  )
  if (findings.length === 0)
    findings.push(
      warn('hosts', 'none is there: nothing can be started', 'Start one: reveille registrar'),
    )
  for (const { id, failure, rejected, endpoints } of gateways.data.gateways) {
    const mend = 'Correct the entry named; the last good configuration stays until then.'
    if (failure) findings.push(fail(`gateway ${id}`, failure, mend))
    else if (rejected.length > 0)
      findings.push(
        warn(
          `gateway ${id}`,
          rejected.map(({ key, reason }) => `${key}: ${reason}`).join('; '),
          mend,
        ),
      )
    else findings.push(ok(`gateway ${id}`, `${endpoints} endpoints`))
  }
  return findings
}
