import type { DescribedContainer } from '../../adapters/docker-foreign.ts'
import type { Source } from './document.ts'

/** Labels in which compose keeps what a container was made from. */
const COMPOSE = 'com.docker.compose.'

/** Containers as the services of a file: what an import reads, whoever wrote it. `name`: where they are. */
export function asSource(containers: readonly DescribedContainer[], name: string): Source {
  const services = containers.map((container) => [nameOf(container), asService(container)])
  const projects = new Set(containers.flatMap(({ labels }) => labels[`${COMPOSE}project`] ?? []))
  const [project] = projects
  return {
    name,
    data: {
      ...(projects.size === 1 && { name: project }),
      services: Object.fromEntries(services),
    },
    ...{ unset: [], defaulted: [], lineOf: () => null },
  }
}

/** Containers of compose are found by the names of their services, as others in the file name them. */
const nameOf = ({ name, labels }: DescribedContainer): string => labels[`${COMPOSE}service`] ?? name

function asService(container: DescribedContainer): Record<string, unknown> {
  const { labels, healthcheck, memory, cpus, pids, namespaces } = container
  const published = new Set(container.published.map(({ port }) => port))
  return withoutNothing({
    image: container.image,
    environment: container.env,
    labels: Object.entries(labels).map(([key, value]) => `${key}=${value}`),
    command: container.command,
    entrypoint: container.entrypoint,
    user: container.user,
    working_dir: container.workingDir,
    healthcheck: healthcheck && { test: healthcheck },
    ports: container.published.map(({ port, hostIp, hostPort }) => {
      const host = hostIp.includes(':') ? `[${hostIp}]` : hostIp
      return `${host === '' ? '' : `${host}:`}${hostPort}:${port}`
    }),
    expose: container.exposed.filter((port) => !published.has(port)),
    volumes: container.mounts.map(({ type, source, target, readOnly }) => ({
      ...{ type, source: isNameless(source) ? '' : source, target, read_only: readOnly },
    })),
    depends_on: needsOf(labels),
    // Nobody is found by name in an engine's own network.
    networks: nonEmpty(container.networks.filter((name) => name !== 'bridge')) ?? [
      `${container.name}'s own`,
    ],
    ...{ mem_limit: memory || null, cpus: cpus || null, pids_limit: pids || null },
    privileged: container.privileged || null,
    ...{ cap_add: nonEmpty(container.capabilities), devices: nonEmpty(container.devices) },
    ...namespaces,
  })
}

const nonEmpty = (list: string[]): string[] | null => (list.length > 0 ? list : null)

function withoutNothing(service: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(service).filter(([, value]) => value !== null && value !== ''),
  )
}

/** The engine names a volume that nobody named by 64 hex digits. */
const isNameless = (source: string): boolean => /^[0-9a-f]{64}$/.test(source)

/** `db:service_started:false,cache:service_healthy:true` */
function needsOf(labels: Record<string, string>): string[] | null {
  const text = labels[`${COMPOSE}depends_on`] ?? ''
  return nonEmpty(text.split(',').flatMap((part) => part.split(':')[0] || []))
}
