import type { Container, ContainerRequest } from '../model/container.ts'
import type { Grounds } from './place/ground.ts'
import type { FollowedEngine } from './witness/witnesses.ts'

/** The part of a container engine that a wake uses. Every call has a deadline; what throws has a `code`. */
export interface Engine extends Pick<FollowedEngine, 'follow'> {
  groups: Grounds
  /** Resolves if it answers. */
  ping(): Promise<void>
  list(): Promise<Container[]>
  /**
   * @param id container id or name; null if there is none of ours
   * @param options `forWake`: of one that does not run, not whether its sandbox does, which would be another question
   */
  inspect(id: string, options?: { forWake?: boolean }): Promise<Container | null>
  create(request: ContainerRequest): Promise<string>
  start(id: string): Promise<void>
  unpause(id: string): Promise<void>
  stop(id: string, timeoutSeconds: number): Promise<void>
  remove(id: string): Promise<void>
  /** Stops the sandbox of a container that does not run; that it has none is fine. */
  stopSandbox(id: string): Promise<void>
  wait(id: string, signal: AbortSignal): Promise<number>
  logs(id: string, options: { tail: number; signal?: AbortSignal }): AsyncIterable<string>
  pull(image: string, onPercent: (percent: number) => void, signal: AbortSignal): Promise<void>
  /** lets go of its connection; calls under way may go on */
  close(): void
}

/** The kind of an engine's refusal, '' for every other error. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : ''
  return typeof code === 'string' ? code : ''
}

export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** What is said, once for each engine, of one that {@link isOpen}. */
export const OPEN =
  'this engine is reached by plain tcp: whoever reaches its port is root on its machine; give --docker-ca, --docker-cert and --docker-key'

/** Whether an engine is reached without any proof of who asks. Within one machine that is the operator's choice. */
export function isOpen(url: string, hasTls: boolean): boolean {
  return !hasTls && /^tcp:\/\/(?!127\.|\[::1\])/.test(url)
}

/** Engines by their address: opened once, when first used. */
export class Engines<E = Engine> {
  readonly #open: (url: string) => E
  readonly #engines = new Map<string, E>()

  constructor(open: (url: string) => E) {
    this.#open = open
  }

  /** Throws if `url` is no engine address. */
  at(url: string): E {
    const known = this.#engines.get(url)
    if (known) return known
    const engine = this.#open(url)
    this.#engines.set(url, engine)
    return engine
  }

  /** Forgets the engines at all other addresses, and returns them: their hosts are gone. */
  keep(urls: ReadonlySet<string>): E[] {
    const gone = [...this.#engines].filter(([url]) => !urls.has(url))
    for (const [url] of gone) this.#engines.delete(url)
    return gone.map(([, engine]) => engine)
  }
}
