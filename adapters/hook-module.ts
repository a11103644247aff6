import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'

/** Runs in the worker: one answer per question, whatever the module does. */
const WORKER = `
const { parentPort, workerData } = require('node:worker_threads')
const loaded = import(workerData)
loaded.catch(() => {})
parentPort.on('message', async ({ id, question }) => {
  try {
    const value = question === null ? null : await (await loaded).default(question)
    parentPort.postMessage({ id, value })
  } catch (error) {
    parentPort.postMessage({ id, error: String((error && error.message) || error) })
  }
})
`

/** A worker that does not react for this long is stuck, milliseconds. */
const STUCK = 500

interface Reply {
  from: 'module'
  value: unknown
}

interface Waiting {
  resolve(reply: Reply): void
  reject(reason: Error): void
}

/**
 * An isAvailable hook in a JavaScript module whose default export is `async (request) => boolean | { allow: boolean }`.
 * It runs in a worker, so that not even an endless loop stops the launcher: a worker found stuck after a missed
 * deadline is ended, and the next question gets a new one. Rejects when the module throws or cannot be loaded.
 */
export class ModuleHook {
  readonly #url: string
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | null = null
  #count = 0

  /** @param path of the module, or its file: URL; loaded with the first question */
  constructor(path: string) {
    this.#url = path.startsWith('file:') ? path : pathToFileURL(path).href
  }

  ask(question: object, signal: AbortSignal): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const id = this.#post(question, { resolve, reject })
      signal.addEventListener('abort', () => {
        reject(signal.reason)
        if (this.#waiting.delete(id)) this.#check()
      })
    })
  }

  async close(): Promise<void> {
    await this.#end(new Error('closed'))
  }

  #post(question: object | null, waiting: Waiting): number {
    this.#worker ??= this.#open()
    this.#count += 1
    this.#waiting.set(this.#count, waiting)
    this.#worker.postMessage({ id: this.#count, question })
    return this.#count
  }

  /** Ends the worker if it cannot even answer nothing. */
  #check(): void {
    const timer = setTimeout(() => void this.#end(new Error('the hook is stuck')), STUCK)
    const done = (): void => clearTimeout(timer)
    this.#post(null, { resolve: done, reject: done })
  }

  async #end(reason: Error): Promise<void> {
    const ended = this.#worker
    this.#worker = null
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { reject } of waiting) reject(reason)
    await ended?.terminate()
  }

  #open(): Worker {
    const worker = new Worker(WORKER, { eval: true, workerData: this.#url })
    worker.unref()
    worker.on('message', (message: { id: number; value?: unknown; error?: string }) => {
      const waiting = this.#waiting.get(message.id)
      this.#waiting.delete(message.id)
      if (message.error === undefined) waiting?.resolve({ from: 'module', value: message.value })
      else waiting?.reject(new Error(message.error))
    })
    const gone = (reason: Error): void => {
      if (this.#worker === worker) void this.#end(reason)
    }
    worker.on('error', (error) => gone(error as Error))
    worker.on('exit', () => gone(new Error('the hook ended its worker')))
    return worker
  }
}
