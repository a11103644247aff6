import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, watch } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { SshUrl } from '../model/engine-url.ts'
import { tieToParent } from './pdeathsig.ts'
import { explainSsh } from './ssh-trouble.ts'

/** Milliseconds a connection may take to come up, and between tries. */
const PATIENCE = 8_000
const AGAIN = 1_000
/** Characters kept of what ssh says. */
const WORDS = 4_000

/** Where the kernel does not end them with us, we do. */
const running = new Set<ChildProcess>()
const endAll = (): void => running.forEach((child) => void child.kill())

/**
 * A socket of this machine that leads to a socket of another one, by OpenSSH's own client: it knows the host keys,
 * the agents and whatever else its user has set up. Comes up when asked for, and again after any break.
 */
export class SshTunnel {
  readonly #url: SshUrl
  readonly #configuration: string
  #folder = ''
  #child: ChildProcess | null = null
  #opening: Promise<string> | null = null
  #failure: { error: Error; at: number } | null = null
  #said = ''
  #isClosed = false

  /** @param configuration an ssh_config file, '' for the user's own */
  constructor(url: SshUrl, configuration: string) {
    this.#url = url
    this.#configuration = configuration
  }

  /** What ssh said since the connection came up, in the words of who can mend it; '' if nothing. */
  get complaint(): string {
    return explainSsh(this.#said)
  }

  /** The path of the socket, once it leads there. Rejects with what ssh said if it does not within 8 s. */
  open(): Promise<string> {
    // Whoever still asks would make a connection that nobody ends.
    if (this.#isClosed) return Promise.reject(new Error('its host is gone'))
    const failure = this.#failure
    if (failure && performance.now() - failure.at < AGAIN) return Promise.reject(failure.error)
    this.#opening ??= this.#connect().catch((error: Error) => {
      this.#failure = { error, at: performance.now() }
      this.#end()
      throw error
    })
    return this.#opening
  }

  /** Ends the connection and all that goes through it, for good. */
  close(): void {
    this.#isClosed = true
    this.#end()
  }

  #end(): void {
    this.#opening = null
    this.#child?.kill()
    this.#child = null
    if (this.#folder !== '') rmSync(this.#folder, { recursive: true, force: true })
    this.#folder = ''
  }

  async #connect(): Promise<string> {
    this.#said = ''
    this.#folder = mkdtempSync(join(tmpdir(), 'reveille-ssh-'))
    const socket = join(this.#folder, 'docker.sock')
    const [program = 'ssh', ...args] = tieToParent(this.#command(socket), 'TERM')
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    this.#child = child
    if (running.size === 0) process.once('exit', endAll)
    running.add(child)
    child.stderr.on('data', (words: Buffer) => {
      this.#said = (this.#said + words.toString()).slice(-WORDS)
    })
    child.once('close', () => {
      running.delete(child)
      if (running.size === 0) process.off('exit', endAll)
      if (this.#child === child) this.#end()
    })
    await this.#up(child, socket)
    await listening(socket)
    return socket
  }

  /** Resolves when ssh has made the socket, which it does once it is let in. */
  #up(child: ChildProcess, socket: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const watcher = watch(this.#folder, () => existsSync(socket) && end(resolve))
      const fail = (words: string): void => end(() => reject(new Error(words)))
      const timer = setTimeout(() => fail(`ssh did not get through in ${PATIENCE} ms`), PATIENCE)
      const end = (settle: () => void): void => {
        clearTimeout(timer)
        watcher.close()
        settle()
      }
      child.once('error', (error) => fail(`ssh cannot be run: ${error.message}`))
      child.once('close', () => fail(this.complaint || 'ssh ended without a word'))
    })
  }

  #command(socket: string): string[] {
    const { user, host, port, socket: there } = this.#url
    const options = [
      'BatchMode=yes',
      'ExitOnForwardFailure=yes',
      // a key that nobody has compared is no key, whatever the user's own configuration says
      'StrictHostKeyChecking=yes',
      'StreamLocalBindMask=0177',
      'ControlPath=none',
      'ConnectTimeout=5',
      'ServerAliveInterval=2',
      'ServerAliveCountMax=3',
    ]
    return [
      ...['ssh', '-N', '-T', '-a', '-x', '-L', `${socket}:${there}`],
      ...(this.#configuration === '' ? [] : ['-F', this.#configuration]),
      ...options.flatMap((option) => ['-o', option]),
      ...(user === '' ? [] : ['-l', user]),
      ...(port === null ? [] : ['-p', String(port)]),
      ...['--', host],
    ]
  }
}

/** Resolves when nobody is refused at the socket, at the latest after a second: its file is there before ssh listens. */
async function listening(path: string): Promise<void> {
  for (let tries = 0; tries < 100 && (await isRefused(path)); tries++) await pause(10)
}

function isRefused(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path })
    socket.once('connect', () => socket.destroy())
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'))
    socket.once('close', () => resolve(false))
  })
}
