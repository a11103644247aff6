import type { Endpoint } from '../model/endpoint.ts'
import type { Instance } from './instance.ts'
import { pause } from './pause.ts'

/** Ways to ask an instance. Timeouts in milliseconds; no answer in time is a no. */
export interface Asking {
  tcp(endpoint: Endpoint, timeout: number, signal: AbortSignal): Promise<boolean>
  http(endpoint: Endpoint, path: string, timeout: number, signal: AbortSignal): Promise<boolean>
  /** Runs a command inside the container; null if that could not be done. */
  command(
    id: string,
    command: string[],
    timeout: number,
    signal: AbortSignal,
  ): Promise<boolean | null>
  /** The command of the image's HEALTHCHECK, null if there is none. */
  healthcheck(id: string): Promise<string[] | null>
}

/** One question to an instance; null if nobody could ask it. */
type Question = (timeout: number, signal: AbortSignal) => Promise<boolean | null>

/** Milliseconds that an answer may take. A connect is answered by the kernel, so it is quick or it is lost. */
const PATIENCE = {
  tcp: { starting: 100, ready: 1_000 },
  http: { starting: 2_000, ready: 5_000 },
  command: { starting: 10_000, ready: 10_000 },
}

/** Milliseconds between probes of a ready instance, and after a bad one. */
const STEADY = 10_000
const DOUBT = 2_000

/**
 * Milliseconds to the next probe of an instance that has been starting for `elapsed` milliseconds. Short in proportion
 * to what has been waited already: 1 % in the first 10 s, so that probing adds next to nothing; later at most one a
 * second. A command inside a container costs the engine 60 to 100 ms of CPU, so it is asked less often.
 */
export function startingGap(elapsed: number, isCommand: boolean): number {
  if (isCommand) return Math.min(2_000, Math.max(50, elapsed * 0.05))
  if (elapsed < 10_000) return Math.max(2, elapsed * 0.01)
  return Math.min(1_000, elapsed * 0.05)
}

/** How this instance is asked, by its labels: resolved once per run, since it may need the image's HEALTHCHECK. */
async function questionFor(
  instance: Instance & { endpoint: Endpoint },
  asking: Asking,
): Promise<{ kind: keyof typeof PATIENCE; ask: Question }> {
  const { id, endpoint } = instance
  const { health } = instance.spec
  const command = (argv: string[]) => ({
    kind: 'command' as const,
    ask: (timeout: number, signal: AbortSignal) => asking.command(id, argv, timeout, signal),
  })
  const http = (path: string) => ({
    kind: 'http' as const,
    ask: (timeout: number, signal: AbortSignal) => asking.http(endpoint, path, timeout, signal),
  })
  if (health.type === 'http') return http(health.path)
  if (health.type === 'command') return command(health.command)
  const argv = instance.healthcheck ? await asking.healthcheck(id) : null
  if (argv) return command(argv)
  if (health.type === 'auto' && health.path !== undefined) return http(health.path)
  return { kind: 'tcp', ask: (timeout, signal) => asking.tcp(endpoint, timeout, signal) }
}

/**
 * Probes an instance until `signal` aborts and tells each answer. One that is not ready is asked at once and often, a
 * ready one now and then. Ready by HEALTHCHECK is not asked at all: the engine does that, and says so by events.
 */
export async function keepAsking(
  instance: Instance & { endpoint: Endpoint },
  asking: Asking,
  tell: (ok: boolean) => void,
  signal: AbortSignal,
  steady = STEADY,
): Promise<void> {
  const isReady = instance.phase === 'ready'
  if (isReady && instance.healthcheck) return
  const began = performance.now()
  let question: Awaited<ReturnType<typeof questionFor>> | null = null
  if (isReady) await pause(steady * (0.75 + Math.random() / 2), signal)
  while (!signal.aborted) {
    // the engine may be away just now; then it is asked again
    question ??= await questionFor(instance, asking).catch(() => null)
    if (signal.aborted) return
    const patience = PATIENCE[question?.kind ?? 'command'][isReady ? 'ready' : 'starting']
    const answer = question && (await question.ask(patience, signal))
    if (signal.aborted) return
    if (answer !== null) tell(answer)
    if (signal.aborted) return
    const gap = isReady
      ? answer === false
        ? Math.min(DOUBT, steady)
        : steady
      : startingGap(
          performance.now() - began,
          question?.kind !== 'tcp' && question?.kind !== 'http',
        )
    await pause(gap, signal)
  }
}
