import { rename, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { alone } from './engine-call.ts'

/**
 * A broken line to an engine: it takes the place of the engine's socket and passes everything on, but for the event
 * streams, to which a test may do what networks do. Calls are told apart by their first line: each has a connection of its
 * own.
 */
export class EngineRelay {
  readonly #path: string
  readonly #engine: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #streams = new Set<Socket>()
  #mode: 'pass' | 'swallow' = 'pass'
  #drops = 0
  #dropped = 0
  #gate: { listed: () => void; passed: Promise<void> } | null = null

  private constructor(path: string) {
    this.#path = path
    this.#engine = `${path}.engine`
    this.#server = createServer((client) => this.#take(client))
  }

  /** @param socket `unix:///path` of an engine that runs */
  static async open(socket: string): Promise<EngineRelay> {
    const relay = new EngineRelay(socket.replace('unix://', ''))
    await rename(relay.#path, relay.#engine)
    await new Promise<void>((resolve, reject) => {
      relay.#server.once('error', reject)
      relay.#server.listen(relay.#path, resolve)
    })
    return relay
  }

  /** Event streams stay open and nothing comes any more, from now on, on old and new ones. */
  swallow(): void {
    this.#mode = 'swallow'
  }

  /** Breaks the event streams there are; new ones pass. */
  drop(): void {
    this.#mode = 'pass'
    for (const stream of this.#streams) stream.destroy()
  }

  /**
   * The next event stream that is asked for is held until a list was answered; `held` resolves then. It goes on when
   * released.
   */
  holdUntilListed(): { held: Promise<void>; release(): void } {
    let listed = (): void => {}
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      listed = resolve
    })
    const passed = new Promise<void>((resolve) => {
      release = resolve
    })
    this.#gate = { listed, passed }
    return { held, release }
  }

  /** Breaks each of the next `count` event streams as soon as it is there. Returns how many it has broken so far. */
  dropEach(count: number): () => number {
    this.#drops = count
    this.#dropped = 0
    this.drop()
    return () => this.#dropped
  }

  /** The engine has its place again. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const socket of this.#sockets) socket.destroy()
    await closed
    await rm(this.#path, { force: true })
    await rename(this.#engine, this.#path)
  }

  #own(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
  }

  #take(client: Socket): void {
    this.#own(client)
    client.once('data', (first) => {
      client.pause()
      const [line = ''] = first.toString('latin1').split('\r\n')
      if (/^GET \S*\/events\?/.test(line)) void this.#events(client, first)
      else this.#pass(client, first, /^GET \S*\/containers\/json\?/.test(line))
    })
  }

  #pass(client: Socket, first: Buffer, isList: boolean): void {
    const engine = connect(this.#engine)
    this.#own(engine)
    engine.write(alone(first))
    client.pipe(engine).pipe(client)
    engine.on('close', () => {
      client.destroy()
      if (isList) this.#gate?.listed()
    })
    client.on('close', () => engine.destroy())
  }

  async #events(client: Socket, first: Buffer): Promise<void> {
    const gate = this.#gate
    if (gate) await gate.passed
    this.#gate = null
    this.#streams.add(client)
    client.on('close', () => this.#streams.delete(client))
    if (this.#drops > 0) {
      this.#drops--
      this.#dropped++
      client.destroy()
      return
    }
    const engine = connect(this.#engine)
    this.#own(engine)
    engine.write(alone(first))
    client.on('data', (data) => engine.write(data))
    client.resume()
    engine.on('data', (data) => {
      if (this.#mode === 'pass') client.write(data)
    })
    // A stream that is swallowed does not end either.
    engine.on('close', () => this.#mode === 'pass' && client.destroy())
    client.on('close', () => engine.destroy())
  }
}
