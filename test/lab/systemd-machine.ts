import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { clearCgroup, mountCgroups } from '../../cli/embedded/cgroup.ts'
import { cgroupOf, enterCgroup } from './cgroup.ts'
import { temporaryFolder } from './folder.ts'
import { startPart } from './part.ts'
import { processTable } from './process-table.ts'
import { currentRun } from './run.ts'

/** A machine with a systemd of its own. */
export interface SystemdMachine {
  /**
   * Types commands into a shell of root there; a line that fails ends them. Returns what they wrote to stdout.
   * @throws Error with what they wrote to stderr
   */
  type(commands: string): Promise<string>
  /** As if somebody pulled the plug. */
  cut(): Promise<void>
}

/** Where the lab keeps what the machine's engine has: on a file system of its own, as an overlay cannot lie on another one. */
const MEMORY = ['/var/lib/docker', '/var/lib/containerd', '/root']

/** They are read-only in a container; an engine makes cgroups, as on any machine. */
const CGROUPS =
  'for folder in /sys/fs/cgroup /sys/fs/cgroup/*/; do mount -o remount,bind,rw $folder || true; done'

/**
 * Boots the programs of this machine once more: under a systemd, on a disk on which whatever it writes is gone with it, in a
 * network of its own, in which it has `addresses`. `project` is at /opt/reveille there.
 */
export async function bootMachine(project: string, addresses: string[]): Promise<SystemdMachine> {
  mountCgroups()
  const cgroup = join(cgroupOf(currentRun()).path, 'systemd')
  const disk = await temporaryFolder()
  await mkdir(join(disk, 'root'))
  const nspawn = [
    `systemd-nspawn --boot --register=no --keep-unit -D ${disk}/root --machine=rv-lab`,
    '--private-network --resolv-conf=off --capability=all --system-call-filter="add_key keyctl bpf"',
    `--bind=${project}:/opt/reveille ${MEMORY.map((folder) => `--tmpfs=${folder}`).join(' ')}`,
    'systemd.unit=basic.target',
  ]
  const script = `
mount -t tmpfs tmpfs ${disk}
mkdir ${disk}/root ${disk}/written ${disk}/work
mount -t overlay -o lowerdir=/,upperdir=${disk}/written,workdir=${disk}/work overlay ${disk}/root
rm -rf ${disk}/root/etc/machine-id ${disk}/root/var/lib/etcd/*
# its network is what it has from the start
ln -sf /dev/null ${disk}/root/etc/systemd/system/systemd-networkd-wait-online.service
# what nspawn notes of its machines is gone with it, too
mkdir -p /run/systemd/nspawn
mount -t tmpfs tmpfs /run/systemd/nspawn
${enterCgroup(cgroup)}
export SYSTEMD_NSPAWN_API_VFS_WRITABLE=network
exec ${nspawn.join(' ')}`
  const words = ['--mount', '--propagation', 'private', 'bash', '-ec', script]
  const part = await startPart('unshare', words)
  const inside = async (): Promise<string[]> => {
    const systemd = (await processTable()).find(({ parent }) => parent === part.pid)
    if (!systemd) throw new Error(`the machine does not run:\n${part.output}`)
    return ['--target', `${systemd.pid}`, '--mount', '--uts', '--ipc', '--net', '--pid']
  }
  const type = async (commands: string): Promise<string> => {
    const words = [...(await inside()), '--', 'bash', '--norc', '-euo', 'pipefail', '-c', commands]
    const { stdout } = await promisify(execFile)('nsenter', words, { timeout: 180_000 })
    return stdout
  }
  await part.until(async () => {
    await type('systemctl is-active basic.target')
    return true
  }, 60_000)
  await type(CGROUPS)
  await type(addresses.map((address) => `ip addr add ${address}/24 dev lo`).join('\n'))
  return {
    type,
    cut: async () => {
      await part.kill()
      await clearCgroup(cgroup)
    },
  }
}
