import { startPart } from './part.ts'
import { processTable } from './process-table.ts'

/** A real HAProxy, master and workers. */
export interface LabHaproxy {
  /** Of the master process. */
  readonly pid: number
  /** What it wrote to stderr. */
  readonly output: string
  /** Ends it: SIGTERM, which closes all connections. */
  stop(): Promise<void>
  /** kill -9 of the master and all its workers. */
  kill(): Promise<void>
}

/** Starts HAProxy in the foreground with this configuration; resolves when its ports are open. */
export async function startHaproxy(configFile: string): Promise<LabHaproxy> {
  const part = await startPart('haproxy', ['-W', '-db', '-f', configFile])
  await part.until(async () => (await processTable()).some((row) => row.parent === part.pid))
  return {
    pid: part.pid,
    get output() {
      return part.output
    },
    stop: () => part.end(),
    kill: () => part.kill(),
  }
}
