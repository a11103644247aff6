import type Docker from 'dockerode'
import { DEMO_IMAGE, isMadeHere } from '../model/image.ts'
import { makeCall, readStream, SLOW } from './docker-call.ts'
import { classify, EngineError } from './docker-error.ts'
import { jsonLines } from './docker-log.ts'

/** One line of a pull. */
export interface PullEvent {
  id?: string
  status?: string
  progressDetail?: { current?: number; total?: number }
  error?: string
}

interface Layer {
  /** bytes, once the engine has said so */
  size: number | null
  /** 0 to 1 */
  downloaded: number
  /** 0 to 1 */
  extracted: number
}

/** Downloading is the longer part of a layer's way; measured on 4-layer images. */
const DOWNLOAD = 0.7

/**
 * One percentage out of the events of all layers. It never goes back, although layers announce their size only when
 * they begin: until then a layer counts like the average of the known ones. Small layers report no bytes at all.
 */
export class PullProgress {
  readonly #layers = new Map<string, Layer>()
  #percent = 0

  /** Takes an event and returns the percentage, 0 to 99: only the end of the pull is 100. */
  take(event: PullEvent): number {
    if (event.id === undefined || event.status === undefined) return this.#percent
    // the line "Pulling from library/x" carries the tag as its id
    if (event.status.startsWith('Pulling from')) return this.#percent
    const layer = this.#layers.get(event.id) ?? { size: null, downloaded: 0, extracted: 0 }
    this.#layers.set(event.id, layer)
    const { current = 0, total = 0 } = event.progressDetail ?? {}
    const part = total > 0 ? Math.min(1, current / total) : 0
    switch (event.status) {
      case 'Downloading':
        if (total > 0) layer.size = total
        layer.downloaded = Math.max(layer.downloaded, part)
        break
      case 'Verifying Checksum':
      case 'Download complete':
        layer.downloaded = 1
        break
      case 'Extracting':
        layer.downloaded = 1
        layer.extracted = Math.max(layer.extracted, part)
        break
      case 'Pull complete':
      case 'Already exists':
        layer.downloaded = 1
        layer.extracted = 1
        break
    }
    this.#percent = Math.max(this.#percent, this.#total())
    return this.#percent
  }

  #total(): number {
    const layers = [...this.#layers.values()]
    const sizes = layers.flatMap((layer) => layer.size ?? [])
    const average = sizes.length > 0 ? sizes.reduce((sum, size) => sum + size, 0) / sizes.length : 1
    let done = 0
    let all = 0
    for (const layer of layers) {
      const weight = layer.size ?? average
      all += weight
      done += weight * (DOWNLOAD * layer.downloaded + (1 - DOWNLOAD) * layer.extracted)
    }
    return all === 0 ? 0 : Math.min(99, Math.floor((100 * done) / all))
  }
}

/** Reads a line of a pull. A failure arrives inside the stream, after a 200: it is thrown. */
export function readPull(line: string): PullEvent {
  let event: PullEvent
  try {
    event = JSON.parse(line) as PullEvent
  } catch {
    return {}
  }
  if (typeof event.error === 'string')
    throw new EngineError(classify('pull', 200, event.error), event.error)
  return event
}

/** The reference as the engine wants it: without a tag or digest it would pull every tag there is. */
export function pullReference(image: string): string {
  return /@sha256:|:[^/]+$/.test(image) ? image : `${image}:latest`
}

/** A failed pull in words for who runs the app: they may only have mistyped the image's name. */
export function notPulled(image: string, error: unknown): unknown {
  if (!(error instanceof EngineError) || error.code === 'unreachable' || error.code === 'aborted')
    return error
  const words = `image ${image} is not in the engine and could not be pulled: ${error.message}`
  return new EngineError(error.code, words)
}

/** Gets an image; see {@link Engine.pull}. */
export async function pullImage(
  docker: Docker,
  image: string,
  onPercent: (percent: number) => void,
  signal: AbortSignal,
): Promise<void> {
  if (isMadeHere(image)) {
    const words = `image ${image} is made by Reveille, and never pulled`
    const cure = image === DEMO_IMAGE ? ': cli/setup/demo-image.sh gives it to an engine' : ''
    throw new EngineError('no-image', words + cure)
  }
  const progress = new PullProgress()
  let told = -1
  const tell = (percent: number): void => {
    if (percent > told) onPercent(percent)
    told = Math.max(told, percent)
  }
  const lines = readStream<string>(
    (abortSignal) =>
      docker.createImage({
        fromImage: pullReference(image),
        abortSignal,
      }) as Promise<NodeJS.ReadableStream>,
    jsonLines,
    // the engine answers when the registry has: its own time-outs apply
    { call: 'pull', limit: null, signal },
  )
  try {
    for await (const line of lines) tell(progress.take(readPull(line)))
  } catch (error) {
    throw notPulled(image, error)
  }
  tell(100)
}

/** See {@link Engine.removeImage}. */
export async function removeImage(docker: Docker, image: string): Promise<void> {
  await makeCall((abortSignal) => docker.getImage(image).remove({ abortSignal }), {
    limit: SLOW,
    fine: [404, 409],
  })
}
