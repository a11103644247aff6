import type Docker from 'dockerode'
import { readStream, SLOW } from './docker-call.ts'
import { jsonLines } from './docker-log.ts'
import { readPull } from './docker-pull.ts'

/** What an image of one layer is made of. */
export interface Layer {
  /** a tar, or the path of one */
  tar: Buffer | string
  /** of a Dockerfile, one a line: those that need no files */
  instructions: string
  /** milliseconds that an engine has to take it, {@link SLOW} unless given */
  limit?: number
}

/** Gives an engine an image of one layer. Throws EngineError. */
export async function importImage(
  docker: Docker,
  image: string,
  { tar, instructions, limit = SLOW }: Layer,
): Promise<void> {
  const colon = image.lastIndexOf(':')
  const [repo, tag] = [image.slice(0, colon), image.slice(colon + 1)]
  const lines = readStream<string>(
    (abortSignal) =>
      // what dockerode's types leave out: a buffer is fine, too
      docker.importImage(tar as string, { repo, tag, changes: instructions, abortSignal }),
    jsonLines,
    { limit, signal: AbortSignal.timeout(limit) },
  )
  // It says in the middle of a 200 that it failed.
  for await (const line of lines) readPull(line)
}
