import { execFile } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { get } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A gateway as the oracle reaches it. */
export interface WatchedGateway {
  name: string
  /** `http://address:port`, reached beside all lines that a fault may cut */
  origin: string
  /** the configuration on disk */
  file: string
  /** a process in its network namespace: `nginx -t` opens the sockets it would listen on */
  pid: number
}

/** Milliseconds between two connects, as I2 says. */
const EVERY = 50
/** Milliseconds between two looks at the file and the served generation: reloads come at most once a second. */
const LOOK = 250
/** Milliseconds a connect may take on a machine that is busy with everything else. */
const PATIENCE = 2_000

/** I2 of one gateway, from now until stopped. */
export class GatewayWatch {
  readonly violations: string[] = []
  readonly #gateway: WatchedGateway
  /** generations that were seen on disk and passed the check */
  readonly #good = new Set<string>()
  readonly #ending = new AbortController()
  readonly #running: Promise<unknown>
  #seen = ''
  #strange: string | null = null
  /** connects that were tried */
  probes = 0

  constructor(gateway: WatchedGateway) {
    this.#gateway = gateway
    this.#running = Promise.all([
      this.#every(EVERY, () => this.#probe()),
      this.#every(LOOK, () => this.#look()),
    ])
  }

  async stop(): Promise<string[]> {
    this.#ending.abort()
    await this.#running
    return this.violations
  }

  /** By the clock, not one after the other: a slow one must not hide the next. */
  async #every(ms: number, act: () => Promise<void>): Promise<void> {
    const { signal } = this.#ending
    const open = new Set<Promise<void>>()
    while (!signal.aborted) {
      const one = act().finally(() => open.delete(one))
      open.add(one)
      await pause(ms, undefined, { signal }).catch(() => {})
      if (ms === LOOK) await one
    }
    await Promise.all(open)
  }

  async #probe(): Promise<void> {
    this.probes++
    const { hostname, port } = new URL(this.#gateway.origin)
    const refused = await new Promise<string | null>((resolve) => {
      const socket = connect(Number(port), hostname)
      socket.setTimeout(PATIENCE, () =>
        socket.destroy(new Error(`no connection in ${PATIENCE} ms`)),
      )
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
      socket.on('connect', () => {
        socket.destroy()
        resolve(null)
      })
    })
    if (refused !== null) this.#say(`a connect failed: ${refused}`)
  }

  async #look(): Promise<void> {
    const { file } = this.#gateway
    const { ino, mtimeMs } = await stat(file)
    if (this.#seen !== `${ino} ${mtimeMs}`) {
      const generation = generationIn(await readFile(file, 'utf8'))
      const refused = await this.#check()
      if (refused === null) this.#good.add(generation)
      else this.#say(`the file on disk, generation ${generation}, is refused: ${refused}`)
      this.#seen = `${ino} ${mtimeMs}`
    }
    const served = await this.#served()
    // Answers of a moment ago may be of a file that was replaced since we looked: only one that stays is strange.
    const strange = served !== null && !this.#good.has(served) ? served : null
    if (strange !== null && strange === this.#strange)
      this.#say(`serves generation ${served}, which was never a good file on disk`)
    this.#strange = strange
  }

  async #check(): Promise<string | null> {
    const { pid, file } = this.#gateway
    const enter = ['--target', String(pid), '--net']
    const check = ['nginx', '-e', 'stderr', '-t', '-q', '-c', file]
    return await run('nsenter', [...enter, ...check], { timeout: 30_000 }).then(
      () => null,
      (error: Error & { stderr?: string }) => error.stderr || error.message,
    )
  }

  /** The generation that answers; null if none does just now, which the connects tell about. */
  #served(): Promise<string | null> {
    return new Promise((resolve) => {
      const options = { agent: false, signal: AbortSignal.timeout(PATIENCE) }
      get(`${this.#gateway.origin}/_reveille/generation`, options, (response) => {
        let text = ''
        response.on('data', (part: Buffer) => {
          text += part
        })
        response.on('error', () => resolve(null))
        response.on('end', () => resolve(response.statusCode === 200 ? text.trim() : null))
      }).on('error', () => resolve(null))
    })
  }

  #say(what: string): void {
    if (this.violations.length < 20) this.violations.push(`I2: ${this.#gateway.name}: ${what}`)
  }
}

/** The generation that a configuration answers. */
export function generationIn(configuration: string): string {
  return /_reveille\/generation \{[^}]*return 200 "(\d+)"/.exec(configuration)?.[1] ?? 'none'
}
