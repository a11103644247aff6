import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from '../../adapters/command.ts'
import { readText } from '../../adapters/files.ts'
import { liveMode } from '../../adapters/nginx-live.ts'
import { parseEndpoint } from '../../model/endpoint.ts'
import { PROXIES } from '../../model/setting/proxy.ts'
import type { Settings } from '../../model/setting.ts'
import { ask } from './ask.ts'
import { type Check, type Finding, fail, ok, warn } from './check.ts'
import { runTool } from './tool.ts'

const INSTALL = 'Install it: apt-get install nginx'

/** What the controller runs unless it is told otherwise. */
const CHECKS = {
  nginx: 'nginx -e stderr -t -q -c {{candidate}}',
  haproxy: 'haproxy -c -f {{candidate}}',
}

/** The nginx program: there, new enough, with what the template needs. */
export const checkNginx: Check = async ({ checkCmd, proxy }) => {
  if (checkCmd !== '') return [ok('proxy', `its configuration is checked by: ${checkCmd}`)]
  if (proxy === 'haproxy') return checkHaproxy()
  const { output, missing } = await runTool('nginx', ['-V'])
  if (missing) return [fail('nginx', 'is not installed', INSTALL)]
  const version = /nginx version: \S+?\/(\S+)/.exec(output)?.[1] ?? ''
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major < 1 || (major === 1 && minor < 18))
    return [fail('nginx', version || 'its version is not known', 'Run nginx 1.18 or newer.')]
  if (!output.includes('http_auth_request_module'))
    return [fail('nginx', `${version} without auth_request`, `${INSTALL}: Debian's has it.`)]
  return [ok('nginx', version)]
}

/** Whether apps come and go without a reload, here and in what runs. */
export const checkLive: Check = async (settings) => {
  if (settings.proxy !== 'nginx') return []
  const name = 'live routes'
  const { modules, reason, mend } = await liveMode(settings, join(settings.runDir, 'nginx'))
  const detail = `no, apps that come and go cost a reload of nginx: ${reason}`
  if (modules === '' && settings.live === 'on') return [fail(name, reason, mend)]
  if (modules === '') return [mend === '' ? ok(name, detail) : warn(name, detail, mend)]
  const text = await readText(pathOf(settings))
  if (text === null || text.includes('lua_shared_dict')) return [ok(name, "in nginx's memory")]
  return [warn(name, 'possible, and not used by what runs', 'Restart the controller.')]
}

/** HAProxy: rules in named defaults are what the template stands on. */
async function checkHaproxy(): Promise<Finding[]> {
  const { output, missing } = await runTool('haproxy', ['-v'])
  if (missing) return [fail('haproxy', 'is not installed', 'Install it: apt-get install haproxy')]
  const version = /version (\S+)/i.exec(output)?.[1] ?? ''
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major < 2 || (major === 2 && minor < 6))
    return [fail('haproxy', version || 'its version is not known', 'Run HAProxy 2.6 or newer.')]
  return [ok('haproxy', version)]
}

/** Where the configuration is. */
function pathOf({ output, runDir, proxy }: Pick<Settings, 'output' | 'runDir' | 'proxy'>): string {
  return output === '' ? join(runDir, PROXIES[proxy]) : output
}

/** The configuration the proxy runs now: does it still pass? */
export const checkConfig: Check = async (settings) => {
  const { checkCmd, proxy } = settings
  const path = pathOf(settings)
  const name = `configuration ${path}`
  try {
    await access(path)
  } catch {
    const mend = 'The controller writes it: reveille up, or reveille controller'
    return [warn(name, 'is not there yet', mend)]
  }
  const command = checkCmd || CHECKS[proxy]
  try {
    await runCommand(command, path)
    return [ok(name, 'passes its check')]
  } catch (error) {
    const again = command.replaceAll('{{candidate}}', path)
    const mend = `See all of it: ${again}. The next change in etcd writes a good one; or restart the controller.`
    return [fail(name, (error as Error).message, mend)]
  }
}

/** Whether the gateway answers, with the generation of its configuration. */
export const checkGateway: Check = async ({ listen, confirm }) => {
  const endpoint = parseEndpoint(listen)
  const host = { '0.0.0.0': '127.0.0.1', '::': '::1' }[endpoint?.host ?? ''] ?? endpoint?.host ?? ''
  const target = `${host.includes(':') ? `[${host}]` : host}:${endpoint?.port ?? 80}`
  const name = `gateway ${target}`
  const answer = await ask(`http://${target}/_reveille/generation`)
  if (!answer.ok && answer.code === 'ECONNREFUSED')
    return [warn(name, 'does not run', 'Start it: reveille up. Or correct --listen.')]
  if (!answer.ok) return [fail(name, answer.message, 'Restart it, and see its error log.')]
  const generation = answer.text.trim()
  if (answer.status === 200 && /^[0-9]+$/.test(generation))
    return [ok(name, `generation ${generation}`)]
  if (confirm === 'off')
    return [ok(name, `answers ${answer.status}; its template has no generation`)]
  const mend =
    'Another server has this port (see the ports below), or a template lacks it: --confirm off'
  return [fail(name, `/_reveille/generation answers ${answer.status}`, mend)]
}
