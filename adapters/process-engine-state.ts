import { rmSync } from 'node:fs'
import { ProcessContainer, type ProcessImage } from './process-engine-container.ts'
import { EngineEvents } from './process-engine-events.ts'

/** A refusal with Docker's status and words. */
export class Refusal extends Error {
  readonly statusCode: number

  constructor(statusCode: number, message: string) {
    super(message)
    this.statusCode = statusCode
  }
}

/** The part of Docker's create request that means something here. Limits and isolation do not exist. */
export interface CreateRequest {
  Image?: string
  Cmd?: string[] | null
  Env?: string[] | null
  Labels?: Record<string, string> | null
  ExposedPorts?: Record<string, object> | null
  StopTimeout?: number | null
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/

/** The containers and images of one process engine. */
export class ProcessEngineState {
  readonly events = new EngineEvents()
  readonly images: ReadonlyMap<string, ProcessImage>
  readonly #containers = new Map<string, ProcessContainer>()
  readonly #dir: string

  /** where its images come from, for people */
  readonly source: string

  constructor(images: Record<string, ProcessImage>, dir: string, source: string) {
    this.images = new Map(Object.entries(images))
    this.#dir = dir
    this.source = source
  }

  /** Its images, for people. */
  get names(): string {
    return [...this.images.keys()].join(', ') || 'none'
  }

  /** By reference, with or without `:latest`. */
  has(reference: string): boolean {
    return this.images.has(reference) || this.images.has(`${reference}:latest`)
  }

  list(): ProcessContainer[] {
    return [...this.#containers.values()]
  }

  /** By reference, with or without `:latest`. @throws Refusal 404 */
  image(reference: string): ProcessImage {
    const found = this.images.get(reference) ?? this.images.get(`${reference}:latest`)
    if (!found) throw new Refusal(404, `No such image: ${reference}`)
    return found
  }

  /** By id, the beginning of an id, or name. @throws Refusal 404 */
  find(reference: string): ProcessContainer {
    const found =
      this.#containers.get(reference) ??
      this.list().find(({ spec }) => spec.name === reference.replace(/^\//, '')) ??
      (reference.length >= 4 && this.list().find(({ id }) => id.startsWith(reference)))
    if (!found) throw new Refusal(404, `No such container: ${reference}`)
    return found
  }

  /** @throws Refusal 400 for a bad name, 404 for an unknown image, 409 for a name that is taken */
  create(name: string, request: CreateRequest): ProcessContainer {
    if (!NAME.test(name))
      throw new Refusal(400, `Invalid container name (${name}), only ${NAME.source} are allowed`)
    const image = this.image(request.Image ?? '')
    const holder = this.list().find(({ spec }) => spec.name === name)
    if (holder)
      throw new Refusal(
        409,
        `Conflict. The container name "/${name}" is already in use by container "${holder.id}".`,
      )
    const exposed = Object.keys(request.ExposedPorts ?? {})[0]
    const container = new ProcessContainer(
      {
        name,
        image: request.Image ?? '',
        command: request.Cmd?.length ? request.Cmd : image.command,
        cwd: image.cwd,
        env: request.Env ?? [],
        labels: request.Labels ?? {},
        port: exposed ? Number.parseInt(exposed, 10) : (image.port ?? 8000),
        stopTimeout: request.StopTimeout ?? 10,
      },
      this.#dir,
    )
    this.#containers.set(container.id, container)
    container.on('started', () => this.#tell('start', container))
    container.on('died', () =>
      this.#tell('die', container, { exitCode: String(container.exitCode) }),
    )
    this.#tell('create', container)
    return container
  }

  /** @throws Refusal 409 if it runs and `force` is not given */
  async remove(container: ProcessContainer, force: boolean): Promise<void> {
    if (container.state === 'running' && !force)
      throw new Refusal(
        409,
        `You cannot remove a running container ${container.id}. Stop the container before attempting removal or force remove`,
      )
    await container.stop(0)
    if (!this.#containers.delete(container.id)) return
    container.remove()
    this.#tell('destroy', container)
  }

  /** Ends every process, at once or after `seconds`. */
  async close(seconds: number): Promise<void> {
    await Promise.all(this.list().map((container) => container.stop(seconds)))
    for (const container of this.list()) container.remove()
    this.#containers.clear()
    rmSync(this.#dir, { recursive: true, force: true })
  }

  #tell(
    action: 'create' | 'start' | 'die' | 'destroy',
    container: ProcessContainer,
    attributes: Record<string, string> = {},
  ): void {
    const { name, image, labels } = container.spec
    this.events.tell(action, { id: container.id, image, labels }, { name, ...attributes })
  }
}
