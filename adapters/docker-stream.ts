import type Docker from 'dockerode'
import type { EngineEvent } from '../model/container.ts'
import { getPath, readStream } from './docker-call.ts'
import { EngineError } from './docker-error.ts'
import { EVENT_FILTERS, formatSince, readEvents } from './docker-event.ts'
import { inspectContainer, listOurs } from './docker-inspect.ts'
import { framedLines, jsonLines, plainLines } from './docker-log.ts'
import { containerOn } from './docker-pair.ts'

/** Events of our containers from `since` (engine clock) on. It ends or throws when the stream breaks. */
export async function* streamEvents(
  docker: Docker,
  since: bigint,
  signal: AbortSignal,
): AsyncGenerator<EngineEvent> {
  const query = { since: formatSince(since), filters: EVENT_FILTERS }
  for await (const event of follow(docker, query, readEvents, signal)) {
    if (event.action !== 'cut') yield event
    else {
      const container = containerOn(await listOurs(docker), event.id)
      if (container) yield { ...event, ...container }
    }
  }
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
