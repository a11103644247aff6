import { type ChildProcess, spawn } from 'node:child_process'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { bornAt, sessionOf } from './process-table.ts'
import { currentRun } from './run.ts'

const OUTPUT_LIMIT = 20_000

/** A real program the tests run: etcd, nginx, an engine's daemon. */
export class Part {
  readonly pid: number
  /** Resolves when the program's first process is gone. */
  readonly gone: Promise<void>
  #name: string
  #output = ''

  constructor(name: string, child: ChildProcess) {
    this.#name = name
    this.pid = child.pid ?? 0
    const keep = (chunk: Buffer) => {
      this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_LIMIT)
    }
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    this.gone = new Promise((resolve) => child.once('exit', () => resolve()))
  }

  /** The last 20 kB it wrote to stdout and stderr. */
  get output(): string {
    return this.#output
  }

  /** Sends a signal to every process of the program. After SIGSTOP none of them does anything any more. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    const pids = await sessionOf(this.pid)
    for (const pid of pids) kill(pid, signal)
    if (signal === 'SIGSTOP') await Promise.all(pids.map(hasStopped))
  }

  /** Ends the program: asks its first process politely, and after `patience` ms kills all that is left. */
  async end(patience = 5_000): Promise<void> {
    kill(this.pid, 'SIGTERM')
    kill(this.pid, 'SIGCONT')
    await Promise.race([this.gone, delay(patience, undefined, { ref: false })])
    await this.kill()
  }

  /** kill -9 for every process of the program. */
  async kill(): Promise<void> {
    await killSession(this.pid)
    await this.gone
    await rm(recordOf(this.pid), { force: true })
  }

  /** Waits until `ready` says so. Throws with the program's last words when it dies or takes over `timeout` ms. */
  async until(ready: () => Promise<boolean>, timeout = 20_000): Promise<void> {
    const deadline = Date.now() + timeout
    let dead = false
    void this.gone.then(() => {
      dead = true
    })
    while (!(await ready().catch(() => false))) {
      if (dead) throw new Error(`${this.#name} ended before it was ready:\n${this.#output}`)
      if (Date.now() > deadline) {
        await this.kill()
        throw new Error(`${this.#name} was not ready in ${timeout} ms:\n${this.#output}`)
      }
      await delay(15)
    }
  }
}

/**
 * Starts a program in a session of its own and notes that in the run's folder, so that all its
 * processes can be found and ended even when neither the test nor its worker is left to do it.
 */
export async function startPart(command: string, args: string[], cwd = '/'): Promise<Part> {
  const child = spawn(command, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const part = new Part(command, child)
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (error) => reject(new Error(`${command}: ${error.message}`)))
  })
  await writeFile(recordOf(part.pid), (await bornAt(part.pid)) ?? '')
  return part
}

const recordOf = (pid: number) => join(currentRun().folder, 'sessions', String(pid))

/** A thread goes on until it is its turn to see the signal, and may answer meanwhile: milliseconds on a busy machine. */
async function hasStopped(pid: number): Promise<void> {
  const tasks = `/proc/${pid}/task`
  const isOver = async (thread: string): Promise<boolean> => {
    const text = await readFile(`${tasks}/${thread}/stat`, 'utf8').catch(() => ') X')
    return /^[TtZX]/.test(text.slice(text.lastIndexOf(')') + 2))
  }
  for (;;) {
    const threads = await readdir(tasks).catch((): string[] => [])
    if ((await Promise.all(threads.map(isOver))).every(Boolean)) return
    await delay(2)
  }
}

/** Kills all processes of a session, also those that are born meanwhile. */
export async function killSession(leader: number): Promise<void> {
  for (let round = 0; round < 200; round++) {
    const pids = await sessionOf(leader)
    if (pids.length === 0) return
    for (const pid of pids) kill(pid, 'SIGKILL')
    await delay(10)
  }
  throw new Error(`session ${leader} does not die`)
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // Gone already, which is what a signal from here is for.
  }
}
