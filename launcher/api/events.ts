import type { Catalog } from '../catalog.ts'
import type { Control } from './control.ts'
import { EventStream } from './event-stream.ts'
import { Chronicle, type Occurrence, tell } from './occurrence.ts'
import type { Router } from './router.ts'
import { answers, NoQuery, stream } from './schema.ts'

/** Streams open at once; each costs a socket and a buffer. */
const MOST = 200

/** What happens in the cluster, as it happens: registrations from etcd, wakes of this launcher. */
export function eventRoutes(
  router: Router,
  { catalog, control }: { catalog: Catalog; control: Control },
): void {
  const readers = new Set<EventStream>()
  const chronicle = new Chronicle(catalog.keys)
  const tellAll = (occurrence: Occurrence): void => {
    const data = { time: new Date().toISOString(), ...occurrence }
    for (const reader of readers) reader.send(occurrence.type, data)
  }
  const stops = [
    catalog.onChange((batch) => chronicle.read(batch).forEach(tellAll)),
    control.onProgress((progress) => tellAll(tell(progress))),
  ]
  router.addHook('onClose', async () => {
    for (const stop of stops) stop()
    for (const reader of readers) reader.end()
  })

  router.get(
    '/v1/events',
    {
      schema: {
        tags: ['events'],
        summary: 'Follow what happens, as server-sent events',
        description:
          'Events: registered, removed, waking, ready, failed, sleeping, asleep; each with {time, app, ...} as data. A reader that falls far behind is cut off.',
        operationId: 'followEvents',
        querystring: NoQuery,
        response: answers({ 200: stream('text/event-stream', 'One event for each occurrence') }),
      },
    },
    async (_request, reply) => {
      const reader = new EventStream(() => readers.delete(reader))
      readers.add(reader)
      const [oldest] = readers
      if (readers.size > MOST) oldest?.cut()
      return reply.send(reader.open(reply))
    },
  )
}
