import type Docker from 'dockerode'
import type { ContainerRequest } from '../model/container.ts'
import { createBody } from './docker-body.ts'
import { makeCall, SLOW } from './docker-call.ts'
import { EngineError } from './docker-error.ts'
import { inspectContainer, isOurs } from './docker-inspect.ts'

/** See {@link Engine.create}. */
export async function createContainer(docker: Docker, request: ContainerRequest): Promise<string> {
  const { name, ...body } = createBody(request)
  // said apart, for otherwise all of the body, env with its secrets too, goes into the URL and so into logs
  const options = { _query: { name }, _body: body }
  const created = await makeCall(
    (abortSignal) =>
      docker.createContainer({ ...options, abortSignal } as Docker.ContainerCreateOptions),
    { call: 'create', limit: SLOW },
  )
  return created.id
}

/** See {@link Engine.start}. */
export async function startContainer(docker: Docker, id: string): Promise<void> {
  const container = docker.getContainer(id)
  const options = { call: 'start', limit: SLOW, fine: [304] } as const
  try {
    await makeCall((abortSignal) => container.start({ abortSignal }), options)
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'not-startable') throw error
    // the engine notes 126, 127 or 128 as if the process had run
    const exitCode = (await inspectContainer(docker, id).catch(() => null))?.State.ExitCode
    throw new EngineError(error.code, error.message, exitCode)
  }
}

/** See {@link Engine.stop}. */
export async function stopContainer(
  docker: Docker,
  id: string,
  timeoutSeconds: number,
): Promise<void> {
  if (!(await isOurs(docker, id))) return
  await makeCall(
    (abortSignal) => docker.getContainer(id).stop({ t: timeoutSeconds, abortSignal }),
    { limit: timeoutSeconds * 1000 + 10_000, fine: [304, 404] },
  )
}

/** See {@link Engine.remove}. */
export async function removeContainer(docker: Docker, id: string): Promise<void> {
  if (!(await isOurs(docker, id))) return
  await makeCall((abortSignal) => docker.getContainer(id).remove({ v: true, abortSignal }), {
    limit: SLOW,
    fine: [404],
  })
}

/** See {@link Engine.wait}. */
export async function waitForEnd(docker: Docker, id: string, signal: AbortSignal): Promise<number> {
  const ended = await makeCall<{ StatusCode: number }>(
    (abortSignal) => docker.getContainer(id).wait({ abortSignal }),
    { limit: null, signal },
  )
  return ended.StatusCode
}
