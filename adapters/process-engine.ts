import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { processEngineApi } from './process-engine-api.ts'
import type { ProcessImage } from './process-engine-container.ts'
import { ProcessEngineState } from './process-engine-state.ts'

export type { ProcessImage } from './process-engine-container.ts'

export interface ProcessEngineOptions {
  /** path of the unix socket to serve; only this user may connect */
  socket: string
  /** what may be run, by image reference */
  images: Record<string, ProcessImage>
  /** where they are from, for the words about one that is missing: images.json of some folder */
  source?: string
  /** a folder for the containers' own folders; removed at the end */
  dir: string
}

/** Seconds an app gets to end when the engine does. */
const LAST = 5

/**
 * An engine for machines without Docker: a "container" is a child process that finds a free port of the loopback in
 * PORT. It speaks the part of Docker's HTTP API that adapters/docker.ts uses. There is no isolation and there are no
 * limits: for trying things out. Its containers live as long as it does.
 */
export async function startProcessEngine(
  options: ProcessEngineOptions,
): Promise<{ url: string; close(): Promise<void> }> {
  const { socket, images, dir, source = 'its start' } = options
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  mkdirSync(dirname(socket), { recursive: true, mode: 0o700 })
  rmSync(socket, { force: true }) // of an engine that was killed
  const state = new ProcessEngineState(images, dir, source)
  const api = processEngineApi(state)
  const mask = process.umask(0o177)
  try {
    await api.listen({ path: socket })
  } finally {
    process.umask(mask)
  }
  chmodSync(socket, 0o600)
  return {
    url: `unix://${socket}`,
    close: async () => {
      await state.close(LAST)
      await api.close()
      rmSync(socket, { force: true })
    },
  }
}
