import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { startPart } from './part.ts'
import { processTable } from './process-table.ts'

/** A real nginx. */
export interface LabNginx {
  /** Of the master process. */
  readonly pid: number
  /** What it wrote to stderr: the error log, unless the configuration sends it elsewhere. */
  readonly output: string
  /** Ends it: SIGTERM, which closes all connections. */
  stop(): Promise<void>
  /** kill -9 of the master and all its workers. */
  kill(): Promise<void>
}

/**
 * Starts nginx in the foreground with this configuration; resolves when its ports are open. Throws with its words
 * when it refuses the configuration. `prefix`: what relative paths are relative to, else the configuration's folder.
 */
export async function startNginx(
  configFile: string,
  options: { prefix?: string } = {},
): Promise<LabNginx> {
  const prefix = options.prefix ?? dirname(configFile)
  const saysDaemon = /^\s*daemon\s/m.test(await readFile(configFile, 'utf8'))
  const foreground = saysDaemon ? [] : ['-g', 'daemon off;']
  const part = await startPart('nginx', [
    ...['-e', 'stderr', '-p', prefix, '-c', configFile],
    ...foreground,
  ])
  // A master opens all its sockets before it makes the first worker.
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
