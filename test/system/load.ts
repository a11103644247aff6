import { setTimeout as pause } from 'node:timers/promises'
import { ask } from './client.ts'

/** What a load met. */
export interface Load {
  asked: number
  /** what was no 200, or broke */
  failed: string[]
  /** how often each app, by the name it gives itself, has answered */
  answered: Map<string, number>
}

/**
 * Asks `path` so many times a second on fresh connections until stopped, whether or not the answers come: the lab's
 * app says who it is in each.
 */
export function startLoad(origin: string, path: string, perSecond: number) {
  const load: Load = { asked: 0, failed: [], answered: new Map() }
  const open = new Set<Promise<void>>()
  let stopped = false
  const one = async (): Promise<void> => {
    const answer = await ask(origin, path, { timeout: 70_000 }).catch(String)
    if (typeof answer === 'string') load.failed.push(answer)
    else if (answer.status !== 200)
      load.failed.push(`${answer.status} ${answer.text.slice(0, 200)}`)
    else {
      const { app } = JSON.parse(answer.text) as { app: string }
      load.answered.set(app, (load.answered.get(app) ?? 0) + 1)
    }
  }
  const loop = (async () => {
    const began = performance.now()
    while (!stopped) {
      const due = ((performance.now() - began) / 1000) * perSecond
      for (; load.asked < due; load.asked++) {
        const request = one()
        open.add(request)
        void request.finally(() => open.delete(request))
      }
      await pause(5)
    }
  })()
  return {
    load,
    /** Asks no more and waits for what is still open. */
    stop: async (): Promise<Load> => {
      stopped = true
      await loop
      await Promise.all(open)
      return load
    },
  }
}
