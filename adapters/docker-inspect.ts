import type Docker from 'dockerode'
import type { ContainerInspectInfo } from 'dockerode'
import type { Container } from '../model/container.ts'
import { APP_LABEL } from '../model/label.ts'
import { getPath, makeCall, orNull } from './docker-call.ts'
import { bare, healthcheckCommand } from './docker-container.ts'
import { EngineError } from './docker-error.ts'
import { fromPair, sandboxOf } from './docker-pair.ts'
import { looksLikeSandbox } from './sandbox-image.ts'

/** A container as the engine describes it, whoever's it is; null if there is none. */
export function inspectContainer(docker: Docker, id: string): Promise<ContainerInspectInfo | null> {
  const container = docker.getContainer(id)
  return orNull((abortSignal) => container.inspect({ abortSignal }))
}

/** Whether an inspection is that of a sandbox. */
export function isSandbox({ Name, Config }: ContainerInspectInfo): boolean {
  return looksLikeSandbox({ name: bare(Name), labels: Config.Labels, image: Config.Image })
}

/** All containers of ours as the engine lists them, running or not, sandboxes too. */
export function listOurs(docker: Docker): Promise<Docker.ContainerInfo[]> {
  const filters = { label: [APP_LABEL] }
  return makeCall((abortSignal) => docker.listContainers({ all: true, filters, abortSignal }))
}

/** See {@link Engine.inspect}. */
export async function inspectPair(
  docker: Docker,
  id: string,
  { forWake = false } = {},
): Promise<Container | null> {
  const found = await inspectContainer(docker, id)
  const labels = found?.Config.Labels ?? {}
  if (!found || labels[APP_LABEL] === undefined || isSandbox(found)) return null
  const { Running, Paused } = found.State
  const isAsked = !forWake || Running || Paused
  const sandbox = isAsked ? sandboxOf(labels, found.HostConfig?.NetworkMode) : null
  return fromPair(found, sandbox === null ? null : await inspectContainer(docker, sandbox))
}

/** An image by its reference or id; null if the engine does not have it. */
export function inspectImage(
  docker: Docker,
  image: string,
): Promise<Docker.ImageInspectInfo | null> {
  return orNull((abortSignal) => getPath(docker, `/images/${image}/json`, abortSignal))
}

/** Null if it is gone. A container that is there but not ours is never changed, whoever asks. */
export async function ours(docker: Docker, id: string): Promise<ContainerInspectInfo | null> {
  const found = await inspectContainer(docker, id)
  if (found && found.Config.Labels?.[APP_LABEL] === undefined)
    throw new EngineError('denied', `container ${id} has no label ${APP_LABEL}: it is not ours`)
  return found
}

/** The labels that a container's image brings along: nobody wrote them on the container. Null if it is gone. */
export async function imageLabels(
  docker: Docker,
  id: string,
): Promise<Record<string, string> | null> {
  const found = await inspectContainer(docker, id)
  const image = found && (await inspectImage(docker, found.Image))
  return image ? (image.Config.Labels ?? {}) : null
}

/**
 * The command of a HEALTHCHECK, ready to be run in the container; null if there is none.
 * @param subject container id or image reference
 */
export async function healthcheck(docker: Docker, subject: string): Promise<string[] | null> {
  const isId = /^[0-9a-f]{64}$/.test(subject)
  const found =
    (isId && (await inspectContainer(docker, subject))) || (await inspectImage(docker, subject))
  const config = found?.Config as
    | { Healthcheck?: { Test?: string[] } | null; Shell?: string[] | null }
    | undefined
  return healthcheckCommand(config?.Healthcheck?.Test, config?.Shell)
}
