import type { Command } from 'commander'
import { loadSettings } from '../../adapters/settings.ts'
import { SETTINGS, type SettingName, variableOf } from '../../model/setting.ts'
import { adopt } from '../doctor/around.ts'
import { type Check, examine, type Finding } from '../doctor/check.ts'
import { checkClock } from '../doctor/clock.ts'
import { checkDocker } from '../doctor/docker.ts'
import { checkEtcd } from '../doctor/etcd.ts'
import { checkFolders, checkToken } from '../doctor/folder.ts'
import { checkDisk, checkNode, checkUser } from '../doctor/machine.ts'
import { checkNetworks } from '../doctor/network.ts'
import { checkConfig, checkGateway, checkLive, checkNginx } from '../doctor/nginx.ts'
import { checkPorts } from '../doctor/port.ts'
import { checkCluster, checkServices } from '../doctor/service.ts'
import { escapeLine, printJson } from '../escape.ts'
import { Failure } from '../failure.ts'
import { addExamples, addSettings, settingsOf } from '../option.ts'
import { type Color, paint, type Terminal } from '../terminal.ts'

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

/** `reveille doctor` */
export function addDoctor(program: Command, terminal: Terminal): void {
  const doctor = program
    .command('doctor')
    .description('check this machine and the cluster, and say how to mend what is wrong')
  const settings = settingsOf('up', 'controller', 'launcher', 'registrar', 'cli')
  addExamples(addSettings(doctor, 'Settings:', settings), [
    ['reveille doctor', 'before the first start, and whenever something is odd'],
    ['reveille doctor --etcd https://10.0.0.1:2379 --etcd-ca ca.pem', 'with settings to be'],
    ['reveille doctor --json | jq \'.findings[] | select(.level != "ok")\'', 'only what is wrong'],
  ])
  doctor.action((flags: Record<string, unknown>) => run(terminal, flags))
}

async function run(terminal: Terminal, flags: Record<string, unknown>): Promise<void> {
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
