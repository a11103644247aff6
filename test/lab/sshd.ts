import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { userInfo } from 'node:os'
import { command } from './command.ts'
import { type Part, startPart } from './part.ts'
import { freePort } from './port.ts'

/** A real sshd on the loopback, with keys of its own. */
export interface Sshd {
  port: number
  user: string
  /** an ssh_config with what its client needs: key and known_hosts */
  configuration: string
  /** the file that says whom it lets in, and the one that says which host keys are known */
  authorized: string
  known: string
  start(): Promise<void>
  /** Ends it, and the connections it has let in: it gives each a process that would outlive it. */
  end(): Promise<void>
}

/** Starts it below `folder`. Debian: openssh-server. */
export async function startSshd(folder: string): Promise<Sshd> {
  await mkdir(folder, { recursive: true })
  await chmod(folder, 0o700)
  await mkdir('/run/sshd', { recursive: true }) // where it wants to be able to lock itself in
  const at = (name: string): string => `${folder}/${name}`
  for (const name of ['host', 'client'])
    await command('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', at(name))
  const port = await freePort()
  const user = userInfo().username
  const [known, authorized, configuration] = [at('known_hosts'), at('authorized'), at('config')]
  await writeFile(authorized, await readFile(at('client.pub')), { mode: 0o600 })
  await writeFile(known, `[127.0.0.1]:${port} ${await readFile(at('host.pub'), 'utf8')}`)
  await writeFile(
    configuration,
    `IdentityFile ${at('client')}\nIdentitiesOnly yes\nIdentityAgent none\nUserKnownHostsFile ${known}\nGlobalKnownHostsFile none\n`,
  )
  const settings = [
    `ListenAddress 127.0.0.1:${port}`,
    `HostKey ${at('host')}`,
    `AuthorizedKeysFile ${authorized}`,
    `PidFile ${at('sshd.pid')}`,
    'UsePAM no',
    'StrictModes no',
    'PasswordAuthentication no',
    'PermitRootLogin prohibit-password',
  ]
  await writeFile(at('sshd_config'), `${settings.join('\n')}\n`)
  let part: Part
  const start = async (): Promise<void> => {
    part = await startPart('/usr/sbin/sshd', ['-D', '-e', '-f', at('sshd_config')])
    await part.until(() => isOpen(port))
  }
  const end = async (): Promise<void> => {
    const children = await command('ps', '--ppid', String(part.pid), '-o', 'pid=').catch(() => '')
    await part.end()
    for (const pid of children.split('\n').map(Number).filter(Boolean))
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // it went with the other
      }
  }
  await start()
  return { port, user, configuration, authorized, known, start, end }
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('data', () => socket.destroy())
  })
}
