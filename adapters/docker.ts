import type Docker from 'dockerode'
import type {
  Container,
  ContainerRequest,
  EngineEvent,
  ForeignContainer,
  LoneSandbox,
} from '../model/container.ts'
import { APP_LABEL } from '../model/label.ts'
import { getPath, makeCall } from './docker-call.ts'
import { fromForeign } from './docker-container.ts'
import { runCommand } from './docker-exec.ts'
import { Follower, type Listener } from './docker-follow.ts'
import { Groups } from './docker-group.ts'
import { importImage, type Layer } from './docker-import.ts'
import { type EngineInfo, readEngineTime, readInfo } from './docker-info.ts'
import { healthcheck, imageLabels, inspectImage, inspectPair, listOurs } from './docker-inspect.ts'
import {
  createContainer,
  pauseContainer,
  removeContainer,
  startContainer,
  stopContainer,
  unpauseContainer,
  waitForEnd,
} from './docker-life.ts'
import { fromList, loneSandboxes } from './docker-pair.ts'
import { pullImage, removeImage } from './docker-pull.ts'
import { removeSandbox, stopSandbox } from './docker-sandbox.ts'
import { streamEvents, streamLogs, streamStirs } from './docker-stream.ts'

export { EngineError, type EngineErrorCode } from './docker-error.ts'
export type { EngineInfo } from './docker-info.ts'

/**
 * A container engine over Docker's HTTP API. Every call has a deadline (5 s, longer where said) and rejects with an
 * EngineError in the engine's own words. Only containers with our label are listed, stopped or removed.
 */
export class Engine {
  readonly groups: Groups
  readonly #docker: Docker
  /** Ends what is done for its connection; calls under way go on. */
  readonly close: () => void

  constructor(docker: Docker, close: () => void = () => {}) {
    this.#docker = docker
    this.close = close
    this.groups = new Groups(docker)
  }

  /** Whether it answers, within 2 s. */
  async ping(): Promise<void> {
    await makeCall((abortSignal) => getPath(this.#docker, '/_ping', abortSignal), { limit: 2_000 })
  }

  /** The engine's clock, nanoseconds since 1970: events are asked for in its time, not in ours. */
  time(): Promise<bigint> {
    return readEngineTime(this.#docker)
  }

  info(): Promise<EngineInfo> {
    return readInfo(this.#docker)
  }

  /**
   * All containers of ours, running or not. A list knows neither process ids (0) nor error texts (''), nor of a sandbox
   * that was started anew. Sandboxes are no containers of their own: where one has the port, its container has it.
   */
  async list(): Promise<Container[]> {
    return fromList(await listOurs(this.#docker))
  }

  /** Sandboxes that have no container, for now or any more. */
  async loneSandboxes(): Promise<LoneSandbox[]> {
    return loneSandboxes(await listOurs(this.#docker))
  }

  /** All containers that run and are not ours. Nothing here can change one of them. */
  async foreign(): Promise<ForeignContainer[]> {
    const found = await makeCall((abortSignal) => this.#docker.listContainers({ abortSignal }))
    return found.filter(({ Labels }) => Labels?.[APP_LABEL] === undefined).map(fromForeign)
  }

  /** Says that some container was started or ended, ours or not. It ends or throws when the stream breaks. */
  stirs(signal: AbortSignal): AsyncGenerator<void> {
    return streamStirs(this.#docker, signal)
  }

  /**
   * @param id container id or name; null if there is none, or it is not ours
   * @param options `forWake`: of one that does not run, not whether its sandbox does, which would be another question
   */
  inspect(id: string, options: { forWake?: boolean } = {}): Promise<Container | null> {
    return inspectPair(this.#docker, id, options)
  }

  /** The labels that a container's image brings along: nobody wrote them on the container. Null if it is gone. */
  imageLabels(id: string): Promise<Record<string, string> | null> {
    return imageLabels(this.#docker, id)
  }

  /**
   * Events of our containers from `since` (engine clock) on. It ends or throws when the stream breaks; a peer that
   * vanished without a word breaks nothing, so whoever reads must {@link ping} as well.
   */
  events(since: bigint, signal: AbortSignal): AsyncGenerator<EngineEvent> {
    return streamEvents(this.#docker, since, signal)
  }

  /** Tells `listener` of all our containers, and what becomes of them, over any break, until `signal` aborts. */
  follow(listener: Listener, signal: AbortSignal): Promise<void> {
    return new Follower(this, listener).run(signal)
  }

  /** Creates a container, with its sandbox where it is to have one, and returns its id. Deadline 60 s. */
  create(request: ContainerRequest): Promise<string> {
    return createContainer(this.#docker, request)
  }

  /**
   * Starts a container and returns when its process runs; that it runs already is fine. Its sandbox is started first
   * where it does not run; if that is gone, EngineError `no-network`. Deadline 60 s.
   */
  start(id: string): Promise<void> {
    return startContainer(this.#docker, id)
  }

  /** Asks the app to end and kills it after `timeoutSeconds`, also one that is paused; that it does not run or is gone is fine. */
  stop(id: string, timeoutSeconds: number): Promise<void> {
    return stopContainer(this.#docker, id, timeoutSeconds)
  }

  /** Freezes the processes of a container that runs; that it is paused already is fine. Deadline 60 s. */
  pause(id: string): Promise<void> {
    return pauseContainer(this.#docker, id)
  }

  /** Lets a paused container go on; that it runs already is fine. Rejects with `conflict` if it has ended. */
  unpause(id: string): Promise<void> {
    return unpauseContainer(this.#docker, id)
  }

  /**
   * Removes a container that does not run, with its anonymous volumes and its sandbox; that it is gone is fine. Deadline
   * 60 s.
   */
  remove(id: string): Promise<void> {
    return removeContainer(this.#docker, id)
  }

  /** Removes a sandbox, whether it runs or not; that it is gone is fine. Deadline 60 s. */
  removeSandbox(id: string): Promise<void> {
    return removeSandbox(this.#docker, id)
  }

  /**
   * Stops the sandbox of a container that does not run: its address is free for others, and the next start has another
   * one. That it has none is fine. Deadline 60 s.
   */
  stopSandbox(id: string): Promise<void> {
    return stopSandbox(this.#docker, id)
  }

  /** The exit code of the container once it does not run. No deadline but the signal. */
  wait(id: string, signal: AbortSignal): Promise<number> {
    return waitForEnd(this.#docker, id, signal)
  }

  /** Runs a command inside a container and returns its exit code. Its output is thrown away. */
  exec(id: string, command: string[], signal: AbortSignal): Promise<number> {
    return runCommand(this.#docker, id, command, signal)
  }

  /** What an app wrote, by lines: the last `tail` ones, then, with `follow`, all that comes until it ends. */
  logs(
    id: string,
    options: { tail: number; follow?: boolean; signal?: AbortSignal },
  ): AsyncGenerator<string> {
    return streamLogs(this.#docker, id, options)
  }

  async hasImage(image: string): Promise<boolean> {
    return (await inspectImage(this.#docker, image)) !== null
  }

  /** Gives it an image of one layer. Deadline as the layer says. */
  importImage(image: string, layer: Layer): Promise<void> {
    return importImage(this.#docker, image, layer)
  }

  /** Removes an image; that it is gone, or that a container has it, is fine. Deadline 60 s. */
  removeImage(image: string): Promise<void> {
    return removeImage(this.#docker, image)
  }

  /**
   * The command of a HEALTHCHECK, ready for {@link exec}; null if there is none.
   * @param subject container id or image reference
   */
  healthcheck(subject: string): Promise<string[] | null> {
    return healthcheck(this.#docker, subject)
  }

  /**
   * Gets an image from its registry. `onPercent` is called with growing numbers, at last 100. To abort stops the
   * download in the engine as well. A failure rejects, also one that comes in the middle of the stream.
   */
  pull(image: string, onPercent: (percent: number) => void, signal: AbortSignal): Promise<void> {
    return pullImage(this.#docker, image, onPercent, signal)
  }
}
