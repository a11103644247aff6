import { loadSettings } from '../../adapters/settings.ts'
import { SETTINGS, type SettingName, variableOf } from '../../model/setting.ts'
import { escapeLine, printJson } from '../escape.ts'
import { Failure } from '../failure.ts'
import { type Color, paint, type Terminal } from '../terminal.ts'
import { adopt } from './around.ts'
import { type Check, examine, type Finding } from './check.ts'
import { checkClock } from './clock.ts'
import { checkDocker } from './docker.ts'
import { checkEtcd } from './etcd.ts'
import { checkFolders, checkToken } from './folder.ts'
import { checkDisk, checkNode, checkUser } from './machine.ts'
import { checkNetworks } from './network.ts'
import { checkConfig, checkGateway, checkLive, checkNginx } from './nginx.ts'
import { checkPorts } from './port.ts'
import { checkCluster, checkServices } from './service.ts'

/** From the ground up: what a later one finds may be due to an earlier one. */
const CHECKS: Record<string, Check> = {
  node: checkNode,
  user: checkUser,
  folders: checkFolders,
  disk: checkDisk,
  token: checkToken,
  etcd: checkEtcd,
  networks: checkNetworks,
  docker: checkDocker,
  nginx: checkNginx,
  live: checkLive,
  configuration: checkConfig,
  ports: checkPorts,
  gateway: checkGateway,
  services: checkServices,
  cluster: checkCluster,
  clock: checkClock,
}

const COLORS: Record<Finding['level'], Color> = { ok: 'green', warn: 'yellow', fail: 'red' }

/** Checks all, prints what was found. @throws Failure if anything is wrong */
export async function run(terminal: Terminal, flags: Record<string, unknown>): Promise<void> {
  const told = loadSettings(flags, terminal.env)
  const isGiven = (name: SettingName): boolean =>
    flags[name] !== undefined ||
    terminal.env[variableOf(name)] !== undefined ||
    told[name] !== SETTINGS[name].schema.parse(undefined)
  const settings = await adopt(told, isGiven)
  const show = (finding: Finding): void => {
    if (!settings.json) terminal.out(`${lineOf(terminal, finding)}\n`)
  }
  const findings = await examine(CHECKS, settings, show, terminal.interrupt())
  const count = (level: Finding['level']): number =>
    findings.filter((finding) => finding.level === level).length
  const failed = count('fail')
  if (settings.json) terminal.out(`${printJson({ ok: failed === 0, findings })}\n`)
  else terminal.out(`${count('ok')} ok, ${count('warn')} to note, ${failed} wrong\n`)
  if (failed > 0)
    throw new Failure(failed === 1 ? '1 thing is wrong' : `${failed} things are wrong`)
}

function lineOf(terminal: Terminal, { level, name, detail, mend }: Finding): string {
  const mark = paint(terminal, COLORS[level], level.padEnd(4))
  const lines = [`${mark}  ${escapeLine(name)}: ${escapeLine(detail)}`]
  if (mend !== undefined) lines.push(`      ${escapeLine(mend)}`)
  return lines.join('\n')
}
