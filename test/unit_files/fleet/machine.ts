import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, openSync } from 'node:fs'
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { enterCgroup } from '../../lab/cgroup.ts'
import { command } from '../../lab/command.ts'
import { BRIDGE, cgroupOf, cutOff, GATEWAY } from './yard.ts'

/** One Debian with a systemd of its own. */
export interface Machine {
  readonly name: string
  readonly address: string
  /** Boots it; resolves when it takes commands. */
  start(): Promise<void>
  /** As if somebody pulled the plug: every process of it is gone at once. */
  cut(): Promise<void>
  /**
   * Types commands into its shell as root, by ssh; a line that fails ends them.
   * @throws Error with what they wrote
   */
  type(commands: string): Promise<string>
}

/** A key for root of every machine, and what root's ssh is told. */
export async function makeKey(folder: string): Promise<string> {
  const key = join(folder, 'key')
  await rm(key, { force: true })
  await command('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key)
  return key
}

/** The disk of a machine: a copy of the bare root with its name, its address, and root's key, by which they reach each other. */
export async function makeMachine(
  folder: string,
  root: string,
  key: string,
  name: string,
  address: string,
): Promise<Machine> {
  const disk = join(folder, name)
  await rm(disk, { recursive: true, force: true })
  await command('cp', '-a', root, disk)
  await writeFile(join(disk, 'etc/hostname'), `${name}\n`)
  await writeFile(join(disk, 'etc/hosts'), `127.0.0.1 localhost\n127.0.1.1 ${name}\n`)
  await writeFile(
    join(disk, 'etc/systemd/network/10-fleet.network'),
    `[Match]\nName=host0\n[Network]\nAddress=${address}/24\nGateway=${GATEWAY}\nLinkLocalAddressing=no\n`,
  )
  const ssh = join(disk, 'root/.ssh')
  await mkdir(ssh, { recursive: true, mode: 0o700 })
  await cp(key, join(ssh, 'id_ed25519'))
  await cp(`${key}.pub`, join(ssh, 'authorized_keys'))
  await writeFile(join(ssh, 'config'), 'StrictHostKeyChecking accept-new\nLogLevel ERROR\n')
  return openMachine(folder, key, name, address)
}

/** A machine of which there is a disk already. */
export function openMachine(folder: string, key: string, name: string, address: string): Machine {
  return new NspawnMachine(name, address, join(folder, name), key)
}

class NspawnMachine implements Machine {
  readonly name: string
  readonly address: string
  private readonly disk: string
  private readonly key: string
  private readonly log: string
  private over: Promise<unknown> = Promise.resolve()

  constructor(name: string, address: string, disk: string, key: string) {
    this.name = name
    this.address = address
    this.disk = disk
    this.key = key
    this.log = `${disk}.log`
  }

  async start(): Promise<void> {
    const nspawn = [
      `exec systemd-nspawn --boot --register=no --keep-unit -D ${this.disk}`,
      `--machine=rv-${this.name} --hostname=${this.name} --network-bridge=${BRIDGE} --resolv-conf=copy-host`,
      // for an engine inside: containers need keys and cgroup programs
      '--capability=all --system-call-filter="add_key keyctl bpf"',
    ].join(' ')
    const output = openSync(this.log, 'a')
    const container = spawn('bash', ['-c', `${enterCgroup(cgroupOf(this.name))}\n${nspawn}`], {
      stdio: ['ignore', output, output],
      env: { ...process.env, SYSTEMD_NSPAWN_API_VFS_WRITABLE: 'network' },
      detached: true,
    })
    container.unref()
    this.over = once(container, 'exit')
    for (const end = Date.now() + 60_000; ; await delay(250))
      try {
        await this.type('systemctl is-system-running --wait || true')
        return
      } catch (error) {
        if (Date.now() > end || container.exitCode !== null)
          throw new Error(`${this.name} does not boot, see ${this.log}`, { cause: error })
      }
  }

  async cut(): Promise<void> {
    await cutOff(this.name)
    await this.over
  }

  async type(commands: string): Promise<string> {
    const options = ['BatchMode=yes', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null']
    const shell = spawn(
      'ssh',
      [
        ...['-i', this.key, '-o', 'LogLevel=ERROR', '-o', 'ConnectTimeout=5'],
        ...options.flatMap((option) => ['-o', option]),
        ...[`root@${this.address}`, 'bash -euo pipefail -s'],
      ],
      { stdio: ['pipe', 'pipe', 'pipe'], timeout: 600_000 },
    )
    let text = ''
    for (const stream of [shell.stdout, shell.stderr])
      stream.on('data', (chunk) => {
        text += chunk
        appendFileSync(this.log, chunk)
      })
    shell.stdin.on('error', () => {}) // it ended early, and says so
    shell.stdin.end(commands)
    const [code] = await once(shell, 'close')
    if (code !== 0) throw new Error(`on ${this.name}: exit ${code}\n${text}`)
    return text
  }
}
