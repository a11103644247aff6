import type { ServerResponse } from 'node:http'
import type { ProcessContainer } from './process-engine-container.ts'
import type { EngineEvents, EngineMessage } from './process-engine-events.ts'
import type { Filters } from './process-engine-view.ts'

/** More than this waits for a client that does not read: it is let go. */
const BACKLOG = 8 * 1024 * 1024

function open(response: ServerResponse, type: string): (data: string | Buffer) => void {
  response.writeHead(200, { 'content-type': type })
  response.flushHeaders()
  return (data) => {
    response.write(data)
    if (response.writableLength > BACKLOG) response.destroy()
  }
}

/** GET /events: what is remembered from `since` on, then all that comes, until `until` or the client leaves. */
export function streamEvents(
  response: ServerResponse,
  events: EngineEvents,
  options: { filters: Filters; since: bigint | null; until: bigint | null },
): void {
  const { filters, since, until } = options
  const write = open(response, 'application/json')
  const send = (message: EngineMessage): void => {
    if (until !== null && message.time > until) return
    if (!filters.allows('type', 'container') || !filters.allows('event', message.action)) return
    if (filters.matches(message.labels)) write(message.text)
  }
  if (since !== null) events.since(since).forEach(send)
  if (until !== null && until <= events.now()) {
    response.end()
    return
  }
  events.on('message', send)
  response.once('close', () => events.off('message', send))
}

/** GET /containers/:id/logs: the last lines, then, with `follow`, all that comes until it ends. */
export function streamLogs(
  response: ServerResponse,
  container: ProcessContainer,
  options: { tail: number; follow: boolean; streams: ReadonlySet<number> },
): void {
  const write = open(response, 'application/vnd.docker.raw-stream')
  const send = (line: Buffer): void => {
    if (options.streams.has(line[0] ?? 0)) write(line)
  }
  container.output.tail(options.tail).forEach(send)
  if (!options.follow || container.state !== 'running') {
    response.end()
    return
  }
  const end = (): void => void response.end()
  container.output.on('line', send)
  container.once('died', end)
  response.once('close', () => {
    container.output.off('line', send)
    container.off('died', end)
  })
}
