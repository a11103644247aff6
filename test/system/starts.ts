import Docker from 'dockerode'
import { canonical } from '../../model/name.ts'

/** Counts the starts of an app's containers from the engine's own events, until stopped. */
export async function countStarts(
  engine: string,
  app: string,
): Promise<{ stop(): Promise<number> }> {
  const docker = new Docker({ socketPath: engine.replace('unix://', '') })
  const since = Math.floor(Date.now() / 1000)
  return {
    stop: async () => {
      const until = Math.floor(Date.now() / 1000) + 1
      await new Promise((resolve) => setTimeout(resolve, 1100))
      const stream = await docker.getEvents({
        since,
        until,
        filters: { type: ['container'], event: ['start'], label: ['reveille.app'] },
      })
      let text = ''
      for await (const chunk of stream) text += String(chunk)
      return (
        text
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line).Actor.Attributes as Record<string, string>)
          // A sandbox is no instance: what starts is the app in it.
          .filter((attributes) => attributes['reveille.sandbox'] === undefined)
          .filter(({ 'reveille.app': name = '' }) => canonical(name) === canonical(app)).length
      )
    },
  }
}
