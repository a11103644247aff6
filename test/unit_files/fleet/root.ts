import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { appendFile, copyFile, cp, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { command } from '../../lab/command.ts'

/** What a fresh cloud image of Debian 12 has, as far as the page needs it. */
const BARE = 'systemd-sysv,dbus,openssh-server,ca-certificates,iproute2,curl'
/** How this machine reaches its packages; the others are to reach them the same way. */
const WAYS = ['/etc/apt/apt.conf.d', '/usr/local/share/ca-certificates', '/etc/npmrc']

/** The machine's own file systems are read-only in a container; an engine makes cgroups, as on any machine. */
const CGROUPS = `[Unit]
DefaultDependencies=no
Before=sysinit.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'for folder in /sys/fs/cgroup /sys/fs/cgroup/*/; do mount -o remount,bind,rw $folder || true; done'
[Install]
WantedBy=sysinit.target
`

/** Makes a bare Debian 12 in `folder`, once: later calls find it there. Takes a minute and the network. */
export async function makeRoot(folder: string): Promise<void> {
  if (existsSync(folder)) return
  const draft = `${folder}.draft`
  await rm(draft, { recursive: true, force: true })
  const debian = await mirror()
  const words = ['--variant=minbase', `--include=${BARE}`, 'bookworm', draft, debian]
  await promisify(execFile)('debootstrap', words, { timeout: 900_000, maxBuffer: 2 ** 24 })
  for (const way of WAYS)
    if (existsSync(way)) await cp(way, join(draft, way), { recursive: true, dereference: true })
  const own = join(homedir(), '.npmrc')
  if (existsSync(own)) await copyFile(own, join(draft, 'root/.npmrc'))
  await writeFile(
    join(draft, 'etc/apt/sources.list'),
    ['bookworm main', 'bookworm-updates main'].map((suite) => `deb ${debian} ${suite}\n`).join(''),
  )
  await writeFile(join(draft, 'etc/systemd/system/lab-cgroups.service'), CGROUPS)
  await writeFile(join(draft, 'etc/ssh/sshd_config.d/lab.conf'), 'PermitRootLogin yes\n')
  await writeFile(join(draft, 'etc/dpkg/dpkg.cfg.d/lab'), 'force-unsafe-io\n')
  await appendFile(join(draft, 'etc/environment'), 'DEBIAN_FRONTEND=noninteractive\n')
  await command('chroot', draft, 'update-ca-certificates')
  await command('chroot', draft, 'systemctl', 'enable', 'systemd-networkd', 'lab-cgroups', 'ssh')
  await rename(draft, folder)
}

/** Where this machine has its Debian packages from. */
async function mirror(): Promise<string> {
  const format = ['--format', '$(REPO_URI)', 'Created-By: Packages', 'Codename: bookworm']
  const [first = ''] = (await command('apt-get', 'indextargets', ...format)).split('\n')
  if (first === '') throw new Error('apt knows no packages of Debian 12: run apt-get update')
  return first.replace(/\/$/, '')
}
