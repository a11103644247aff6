import type Docker from 'dockerode'
import { type EngineEvent, isUp } from '../model/container.ts'
import { SANDBOX_LABEL } from '../model/network.ts'
import { getPath, readStream } from './docker-call.ts'
import { fromInspection } from './docker-container.ts'
import { EngineError } from './docker-error.ts'
import { EVENT_FILTERS, formatSince, readEvents } from './docker-event.ts'
import { inspectContainer } from './docker-inspect.ts'
import { framedLines, jsonLines, plainLines } from './docker-log.ts'
import { sandboxIn } from './docker-sandbox.ts'

/** Events of our containers from `since` (engine clock) on. It ends or throws when the stream breaks. */
export async function* streamEvents(
  docker: Docker,
  since: bigint,
  signal: AbortSignal,
): AsyncGenerator<EngineEvent> {
  const query = { since: formatSince(since), filters: EVENT_FILTERS }
  for await (const event of follow(docker, query, readEvents, signal)) {
    const told = event.action === 'cut' ? await ofContainer(docker, event) : event
    if (told) yield told
  }
}

/** The end of a sandbox as an event of the container that has its network; null if none has, or it is not up. */
async function ofContainer(docker: Docker, event: EngineEvent): Promise<EngineEvent | null> {
  const found = await inspectContainer(docker, event.labels[SANDBOX_LABEL] ?? '')
  if (!found || sandboxIn(found) !== event.id) return null
  const container = fromInspection(found)
  return isUp(container) ? { ...event, id: container.id, labels: container.labels } : null
}

/** One empty item whenever a container was started or ended, ours or not. It ends or throws when the stream breaks. */
export async function* streamStirs(docker: Docker, signal: AbortSignal): AsyncGenerator<void> {
  const filters = { type: ['container'], event: ['start', 'die'] }
  for await (const _ of follow(docker, { filters }, jsonLines, signal)) yield
}

/** The types of dockerode know of no signal here, its calls do. */
function follow<T>(
  docker: Docker,
  { filters, ...query }: { since?: string; filters: Record<string, string[]> },
  read: (source: AsyncIterable<Buffer>) => AsyncGenerator<T>,
  signal: AbortSignal,
): AsyncGenerator<T> {
  const options = { ...query, filters: JSON.stringify(filters) }
  return readStream(
    (abortSignal) =>
      docker.getEvents({ ...options, abortSignal } as unknown as Docker.GetEventsOptions),
    read,
    { signal },
  )
}

/** What an app wrote, by lines: the last `tail` ones, then, with `follow`, all that comes until it ends. */
export async function* streamLogs(
  docker: Docker,
  id: string,
  options: { tail: number; follow?: boolean; signal?: AbortSignal },
): AsyncGenerator<string> {
  const found = await inspectContainer(docker, id)
  if (!found) throw new EngineError('not-found', `No such container: ${id}`)
  const { tail, follow = false, signal = new AbortController().signal } = options
  const query = { stdout: true, stderr: true, follow, tail }
  const path = `/containers/${found.Id}/logs`
  yield* readStream(
    (abortSignal) =>
      getPath<NodeJS.ReadableStream>(docker, path, abortSignal, { isStream: true, query }),
    found.Config.Tty ? plainLines : framedLines,
    { signal },
  )
}
