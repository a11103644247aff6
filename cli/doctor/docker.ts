import { engineAccess } from '../../adapters/docker-settings.ts'
import { SETTINGS, type Settings } from '../../model/setting.ts'
import { codeOf } from '../failure.ts'
import { type Answer, ask, fieldsOf, textOf } from './ask.ts'
import { type Check, type Finding, fail, ok, warn } from './check.ts'
import { runTool } from './tool.ts'

const INSTALL = 'Install and start it: apt-get install docker.io. Or do without: --engine process'

/** The oldest Docker API that has what is asked of it. */
const API = 1.41

/** The path of the engine's socket, if it has one. */
export function socketOf(docker: string): string | undefined {
  return docker.startsWith('unix://') ? docker.slice('unix://'.length) : undefined
}

export type EngineSettings = Pick<
  Settings,
  'docker' | 'dockerCa' | 'dockerCert' | 'dockerKey' | 'dockerSsh'
>

/** Asks an engine by its HTTP API: over TLS if it is elsewhere and there are files for that. */
export async function askEngine(settings: EngineSettings, path: string): Promise<Answer> {
  const socket = socketOf(settings.docker)
  if (socket !== undefined) return ask(`http://docker${path}`, { socket })
  const rest = settings.docker.slice('tcp:'.length) + path
  try {
    const { tls } = engineAccess(settings)
    return await (tls ? ask(`https:${rest}`, { tls }) : ask(`http:${rest}`))
  } catch (error) {
    return { ok: false, code: codeOf(error), message: (error as Error).message }
  }
}

/** The engine of this host: reachable, new enough, able to limit and to publish. */
export const checkDocker: Check = async (settings) => {
  const { docker, engine } = settings
  if (engine === 'process') return [ok('docker', 'not needed: --engine process')]
  const name = `docker ${docker}`
  const grade = engine === 'auto' ? warn : fail
  const socket = socketOf(docker)
  const version = await askEngine(settings, '/version')
  if (!version.ok) return [unreachable(name, version, docker, grade)]
  const told = fieldsOf(version)
  if (textOf(told, 'Version') === 'process')
    return [ok(name, 'apps run as child processes, without Docker')]
  const api = Number(told.ApiVersion)
  if (version.status !== 200 || Number.isNaN(api))
    return [fail(name, `it answers ${version.status}, not as an engine`, strange(docker))]
  const shown = `${textOf(told, 'Version')}, API ${textOf(told, 'ApiVersion')}`
  if (api < API) return [fail(name, shown, `Run Docker 20.10 or newer (API ${API}).`)]
  const info = fieldsOf(await askEngine(settings, '/info'))
  return [ok(name, shown), checkLimits(info), await checkPublishing(socket)]
}

function strange(docker: string): string {
  const files = 'If it wants TLS, give --docker-ca, --docker-cert and --docker-key.'
  return docker.startsWith('tcp:') ? `Correct --docker. ${files}` : 'Correct --docker.'
}

function checkLimits(info: Record<string, unknown>): Finding {
  const detail = `version ${textOf(info, 'CgroupVersion')}, ${textOf(info, 'CgroupDriver')}`
  const missing = [
    info.MemoryLimit === false && 'memory',
    info.CpuCfsQuota === false && 'CPU',
    info.PidsLimit === false && 'process',
  ].filter((limit) => limit !== false)
  if (missing.length === 0) return ok('cgroups', detail)
  const mend =
    'Mount the cgroup controllers; without them containers fail to start or have no limits.'
  return fail('cgroups', `no ${missing.join(', ')} limit`, mend)
}

/** Publishing a port takes iptables, on the machine of the engine. */
async function checkPublishing(socket: string | undefined): Promise<Finding> {
  if (socket === undefined) return ok('iptables', 'not looked at: the engine is elsewhere')
  const { code, output, missing } = await runTool('iptables', ['-t', 'nat', '-S', 'DOCKER'])
  if (code === 0) return ok('iptables', 'the chain DOCKER is there')
  if (missing)
    return warn(
      'iptables',
      'not found on the PATH',
      'Install it: apt-get install iptables. Docker publishes ports with it.',
    )
  if (process.getuid?.() !== 0) return ok('iptables', 'is there; only root can look further')
  const [first = ''] = output.split('\n')
  return warn(
    'iptables',
    first,
    'Its rules may be in another network namespace; if not, restart Docker so that it makes them anew.',
  )
}

function unreachable(
  name: string,
  answer: Answer & { ok: false },
  docker: string,
  grade: typeof fail,
): Finding {
  if (
    !docker.startsWith('unix:') &&
    /^ERR_(?:SSL|TLS)|CERT|SELF_SIGNED|UNABLE_TO|ENOENT|EACCES/.test(answer.code)
  )
    return fail(
      name,
      `TLS fails: ${answer.message}`,
      'Name files this user may read with --docker-ca, --docker-cert and --docker-key.',
    )
  if (answer.code === 'EACCES')
    return fail(
      name,
      'this user may not use the socket',
      'Run this as root, or join the group: usermod -aG docker <user>, then log in anew.',
    )
  const isUsual = docker === SETTINGS.docker.schema.parse(undefined)
  if (answer.code === 'ENOENT')
    return grade(name, 'there is no such socket', isUsual ? INSTALL : 'Correct --docker.')
  if (answer.code === 'ECONNREFUSED')
    return grade(
      name,
      'the engine does not run',
      isUsual
        ? 'Start it: systemctl start docker. Or do without: --engine process'
        : 'Start it, or correct --docker.',
    )
  return fail(
    name,
    answer.message || answer.code,
    'See whether it hangs: docker info. Then restart it.',
  )
}
