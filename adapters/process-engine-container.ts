import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { mkdirSync, rmSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { type NotStartable, signalGroup, startChild } from './process-engine-child.ts'
import { Output, type Stream } from './process-engine-output.ts'

/** What an "image" of this engine is: a program of this machine. */
export interface ProcessImage {
  command: string[]
  /** a folder of its own, emptied with the container, unless given */
  cwd?: string
  /** the port the program would listen on in a container; 8000 unless given */
  port?: number
}

export interface ProcessSpec {
  name: string
  image: string
  command: string[]
  cwd: string | undefined
  env: string[]
  labels: Record<string, string>
  /** the port it was created for; the process is told another one in PORT */
  port: number
  stopTimeout: number
}

/** Milliseconds the pipes of an ended process get to run empty; one who inherited them could hold them for ever. */
const LAST_WORDS = 300

/** A child process with the life of a container: created, running, exited, and again. */
export class ProcessContainer extends EventEmitter<{ started: []; died: [] }> {
  readonly id = randomBytes(32).toString('hex')
  readonly created = new Date()
  readonly output = new Output()
  readonly spec: ProcessSpec
  state: 'created' | 'running' | 'exited' = 'created'
  exitCode = 0
  error = ''
  startedAt = new Date(0)
  finishedAt = new Date(0)
  /** port on 127.0.0.1 while it runs, another one at each start */
  published: number | null = null
  readonly #folder: string
  #child: ChildProcess | null = null
  #starting: Promise<boolean> | null = null

  /** @param dir where it gets a folder of its own */
  constructor(spec: ProcessSpec, dir: string) {
    super()
    this.setMaxListeners(0)
    this.spec = spec
    this.#folder = join(dir, this.id)
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  /** False if it runs already. @throws NotStartable */
  start(): Promise<boolean> {
    if (this.state === 'running') return Promise.resolve(false)
    if (this.#starting) return this.#starting.then(() => false)
    this.#starting = this.#start().finally(() => {
      this.#starting = null
    })
    return this.#starting
  }

  async #start(): Promise<boolean> {
    const port = await freePort()
    const child = await this.#launch(this.spec.command, port, (stream, chunk) =>
      this.output.write(stream, chunk),
    ).catch((error: NotStartable) => {
      this.exitCode = error.exitCode
      this.error = error.message
      throw error
    })
    this.#child = child
    this.published = port
    this.state = 'running'
    this.exitCode = 0
    this.error = ''
    this.startedAt = new Date()
    child.once('exit', (code, signal) => {
      signalGroup(child, 'SIGKILL') // what it left behind goes with it
      const exitCode = code ?? 128 + (signal ? constants.signals[signal] : 0)
      const late = setTimeout(() => this.#die(exitCode), LAST_WORDS)
      child.once('close', () => {
        clearTimeout(late)
        this.#die(exitCode)
      })
    })
    this.emit('started')
    return true
  }

  #die(exitCode: number): void {
    if (this.state !== 'running') return
    this.output.end()
    this.#child = null
    this.published = null
    this.state = 'exited'
    this.exitCode = exitCode
    this.finishedAt = new Date()
    this.emit('died')
  }

  /** Asks it to end, kills it after `seconds`. False if it does not run. */
  async stop(seconds = this.spec.stopTimeout): Promise<boolean> {
    await this.#starting?.catch(() => {})
    const child = this.#child
    if (!child) return false
    const ended = this.ended()
    signalGroup(child, 'SIGTERM')
    const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), seconds * 1000)
    await ended
    clearTimeout(timer)
    return true
  }

  /** Resolves when it does not run. */
  async ended(): Promise<void> {
    if (this.state === 'running') await new Promise<void>((resolve) => this.once('died', resolve))
  }

  /** Runs a command beside it, with its environment and folder. Resolves with the exit code. */
  async exec(
    command: readonly string[],
    onOutput: (stream: Stream, chunk: Buffer) => void,
  ): Promise<number> {
    const child = await this.#launch(command, this.published ?? 0, onOutput).catch(
      (error: NotStartable) => error.exitCode,
    )
    if (typeof child === 'number') return child
    const end = (): void => signalGroup(child, 'SIGKILL')
    this.once('died', end)
    const exitCode = await new Promise<number>((resolve) =>
      child.once('close', (code) => resolve(code ?? 137)),
    )
    this.off('died', end)
    return exitCode
  }

  /** Takes its folder away. */
  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #launch(
    command: readonly string[],
    port: number,
    onOutput: (stream: Stream, chunk: Buffer) => void,
  ): Promise<ChildProcess> {
    const cwd = this.spec.cwd ?? this.#folder
    return startChild(command, { cwd, env: this.#environment(port) }, onOutput)
  }

  /** Its own variables, PATH, and where to listen: of our environment nothing else is its business. */
  #environment(port: number): Record<string, string> {
    const own = this.spec.env.map((text): [string, string] => {
      const at = text.indexOf('=')
      return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
    })
    return {
      PATH: process.env.PATH ?? '/usr/bin:/bin',
      HOME: this.#folder,
      HOSTNAME: this.id.slice(0, 12),
      ...Object.fromEntries(own),
      HOST: '127.0.0.1',
      PORT: String(port),
    }
  }
}
