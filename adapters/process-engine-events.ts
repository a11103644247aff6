import { EventEmitter } from 'node:events'

export type Action = 'create' | 'start' | 'die' | 'destroy'

/** One event, as it is remembered and as it is sent. */
export interface EngineMessage {
  action: Action
  labels: Record<string, string>
  /** nanoseconds since 1970 */
  time: bigint
  /** Docker's JSON, one line */
  text: string
}

/** What Docker keeps for those who ask with `since`. */
const REMEMBERED = 256

/** The engine's clock and its newest events. Emits `message` for each new one. */
export class EngineEvents extends EventEmitter<{ message: [EngineMessage] }> {
  readonly #recent: EngineMessage[] = []
  #last = 0n

  constructor() {
    super()
    this.setMaxListeners(0)
  }

  /** Nanoseconds since 1970; no two calls get the same. */
  now(): bigint {
    const time = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n
    this.#last = time > this.#last ? time : this.#last + 1n
    return this.#last
  }

  /** Tells that something happened to a container. `attributes` go beside its labels, as Docker has it. */
  tell(
    action: Action,
    container: { id: string; image: string; labels: Record<string, string> },
    attributes: Record<string, string>,
  ): void {
    const time = this.now()
    const { id, image, labels } = container
    const body = JSON.stringify({
      Type: 'container',
      Action: action,
      status: action,
      id,
      from: image,
      Actor: { ID: id, Attributes: { ...labels, image, ...attributes } },
      scope: 'local',
    })
    // written by hand: nanoseconds since 1970 do not fit a JavaScript number
    const text = `${body.slice(0, -1)},"time":${time / 1_000_000_000n},"timeNano":${time}}\n`
    const message = { action, labels, time, text }
    this.#recent.push(message)
    if (this.#recent.length > REMEMBERED) this.#recent.shift()
    this.emit('message', message)
  }

  since(time: bigint): EngineMessage[] {
    return this.#recent.filter((message) => message.time >= time)
  }
}
