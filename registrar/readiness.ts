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

type Kind = keyof typeof PATIENCE

/** Milliseconds between probes of a ready instance, and after a bad one. */
const STEADY = 10_000
const DOUBT = 2_000

/** Milliseconds for which a start is a young one, probed in proportion to its age. */
const YOUNG = 10_000

/** Young starts of this process that are connected to, by what ends their probing. */
const young = new Set<AbortSignal>()

/**
 * Milliseconds to the next probe of an instance that has been starting for `elapsed` milliseconds. Short in proportion
 * to what has been waited already, so that probing adds next to nothing: of the first 10 s a connect, which only the
 * kernel answers, adds 0.2 %, a request to the app 1 %; later it is at most one a second. A command inside a container
 * costs the engine 60 to 100 ms of CPU, so it is asked less often.
 * @param crowd how many young starts there are: their connects together are a thousand a second at most
 */
export function startingGap(elapsed: number, kind: Kind, crowd: number): number {
  if (kind === 'command') return Math.min(2_000, Math.max(50, elapsed * 0.05))
  if (elapsed >= YOUNG) return Math.min(1_000, elapsed * 0.05)
  return kind === 'tcp' ? Math.max(crowd, elapsed * 0.002) : Math.max(2, elapsed * 0.01)
}

/** How this instance is asked, by its labels: resolved once per run, since it may need the image's HEALTHCHECK. */
async function questionFor(
  instance: Instance & { endpoint: Endpoint },
  asking: Asking,
): Promise<{ kind: Kind; ask: Question }> {
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
  if (!isReady) signal.addEventListener('abort', () => young.delete(signal), { once: true })
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
    if (isReady) await pause(answer === false ? Math.min(DOUBT, steady) : steady, signal)
    else {
      const elapsed = performance.now() - began
      // Others are asked at their own pace: they are no reason to connect to this one less often.
      if (question?.kind === 'tcp' && elapsed < YOUNG) young.add(signal)
      else young.delete(signal)
      await pause(startingGap(elapsed, question?.kind ?? 'command', young.size), signal)
    }
  }
}
