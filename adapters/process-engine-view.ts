import type { ProcessContainer } from './process-engine-container.ts'

/** `8000/tcp`, the way Docker names a container's port. */
const portKey = (container: ProcessContainer): string => `${container.spec.port}/tcp`

function status(container: ProcessContainer): string {
  if (container.state === 'created') return 'Created'
  if (container.state === 'running') return 'Up'
  return `Exited (${container.exitCode})`
}

/** A container as GET /containers/json has it. */
export function summary(container: ProcessContainer): object {
  const { spec, published } = container
  return {
    Id: container.id,
    Names: [`/${spec.name}`],
    Image: spec.image,
    ImageID: spec.image,
    Command: spec.command.join(' '),
    Created: Math.floor(container.created.getTime() / 1000),
    Labels: spec.labels,
    State: container.state,
    Status: status(container),
    Ports:
      published === null
        ? []
        : [{ IP: '127.0.0.1', PrivatePort: spec.port, PublicPort: published, Type: 'tcp' }],
  }
}

/** A container as GET /containers/:id/json has it. */
export function inspection(container: ProcessContainer): object {
  const { spec, published } = container
  const running = container.state === 'running'
  return {
    Id: container.id,
    Name: `/${spec.name}`,
    Created: container.created.toISOString(),
    Image: spec.image,
    State: {
      Status: container.state,
      Running: running,
      Paused: false,
      Restarting: false,
      OOMKilled: false,
      Dead: false,
      Pid: container.pid,
      ExitCode: container.exitCode,
      Error: container.error,
      StartedAt: container.startedAt.toISOString(),
      FinishedAt: container.finishedAt.toISOString(),
    },
    Config: {
      Image: spec.image,
      Cmd: spec.command,
      Env: spec.env,
      Labels: spec.labels,
      Tty: false,
      StopTimeout: spec.stopTimeout,
    },
    HostConfig: { RestartPolicy: { Name: 'no' } },
    NetworkSettings: {
      Ports:
        published === null
          ? {}
          : { [portKey(container)]: [{ HostIp: '127.0.0.1', HostPort: String(published) }] },
    },
  }
}

/** Docker's `filters` parameter: JSON of lists; all kinds must match, one of each kind's values, but all labels. */
export class Filters {
  readonly #values: Record<string, string[]>

  constructor(text: string | undefined) {
    const given: unknown = text ? JSON.parse(text) : {}
    this.#values = Object.fromEntries(
      Object.entries(given as Record<string, string[] | Record<string, boolean>>).map(
        ([kind, values]) => [kind, Array.isArray(values) ? values : Object.keys(values)],
      ),
    )
  }

  /** Whether `value` is one of those asked for, or none of this kind is. */
  allows(kind: string, value: string): boolean {
    return this.#values[kind]?.includes(value) ?? true
  }

  /** Whether all labels asked for are there: `name` or `name=value`. */
  matches(labels: Readonly<Record<string, string>>): boolean {
    return (this.#values.label ?? []).every((wanted) => {
      const [name = '', ...value] = wanted.split('=')
      return value.length === 0 ? name in labels : labels[name] === value.join('=')
    })
  }
}
