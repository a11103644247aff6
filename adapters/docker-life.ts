import type Docker from 'dockerode'
import type { ContainerRequest } from '../model/container.ts'
import { createBody } from './docker-body.ts'
import { makeCall, SLOW } from './docker-call.ts'
import { EngineError } from './docker-error.ts'
import { inspectContainer, inspectPair, ours } from './docker-inspect.ts'
import {
  createOne,
  createWithSandbox,
  isOfJoining,
  removeOne,
  removeSandbox,
  reviveSandbox,
  sandboxIn,
  startOne,
} from './docker-sandbox.ts'

/** See {@link Engine.create}. */
export async function createContainer(docker: Docker, request: ContainerRequest): Promise<string> {
  if (request.network === 'sandbox') return await createWithSandbox(docker, request)
  return await createOne(docker, createBody(request))
}

/** So often a container is tried to start whose sandbox does not stay. */
const TRIES = 5
/** One that nobody reaches has so long to end, seconds. */
const GRACE = 2

/** See {@link Engine.start}. */
export async function startContainer(docker: Docker, id: string): Promise<void> {
  for (let tries = 1; ; tries++)
    try {
      if (await startOne(docker, id)) return
      const running = await inspectPair(docker, id)
      if (!running?.isCut) return
      await stopContainer(docker, id, GRACE)
    } catch (error) {
      if (!(error instanceof EngineError) || !BROKEN.has(error.code)) throw error
      if (tries < TRIES && (await reviveSandbox(docker, id))) continue
      if (await isForItsSandbox(docker, id, error))
        throw new EngineError('no-sandbox', error.message)
      if (error.code !== 'not-startable') throw error
      // the engine notes 126, 127 or 128 as if the process had run
      const exitCode = (await inspectContainer(docker, id).catch(() => null))?.State.ExitCode
      throw new EngineError(error.code, error.message, exitCode)
    }
}

/** Whether a start failed since nothing can be started in the network of another container here, which runs. */
async function isForItsSandbox(docker: Docker, id: string, error: EngineError): Promise<boolean> {
  if (error.code !== 'not-startable' || !isOfJoining(error)) return false
  const found = await inspectContainer(docker, id)
  return found !== null && sandboxIn(found) !== null
}

/** What engines call it when a container cannot join the network of another one, among other things. */
const BROKEN: ReadonlySet<string> = new Set(['conflict', 'not-found', 'not-startable'])

/** See {@link Engine.stop}. */
export async function stopContainer(
  docker: Docker,
  id: string,
  timeoutSeconds: number,
): Promise<void> {
  if (!(await ours(docker, id))) return
  await makeCall(
    (abortSignal) => docker.getContainer(id).stop({ t: timeoutSeconds, abortSignal }),
    { limit: timeoutSeconds * 1000 + 10_000, fine: [304, 404] },
  )
}

/** See {@link Engine.pause}. */
export async function pauseContainer(docker: Docker, id: string): Promise<void> {
  if (!(await ours(docker, id))) throw new EngineError('not-found', `no container ${id}`)
  const container = docker.getContainer(id)
  try {
    await makeCall((abortSignal) => container.pause({ abortSignal }), { limit: SLOW })
  } catch (error) {
    if (!(await stateOf(docker, id))?.Paused) throw error
  }
}

/**
 * See {@link Engine.unpause}. Somebody waits for it, so the label is not asked for: whoever calls this has seen the
 * container. The engine calls it a failure of its own when it is not paused any more.
 */
export async function unpauseContainer(docker: Docker, id: string): Promise<void> {
  const container = docker.getContainer(id)
  try {
    await makeCall((abortSignal) => container.unpause({ abortSignal }), { limit: SLOW })
  } catch (error) {
    if (!(error instanceof EngineError) || error.code === 'unreachable') throw error
    const state = await stateOf(docker, id)
    if (state?.Paused) throw error
    if (!state?.Running) throw new EngineError('conflict', error.message)
  }
}

async function stateOf(
  docker: Docker,
  id: string,
): Promise<Docker.ContainerInspectInfo['State'] | undefined> {
  return (await inspectContainer(docker, id))?.State
}

/** See {@link Engine.remove}. */
export async function removeContainer(docker: Docker, id: string): Promise<void> {
  const found = await ours(docker, id)
  if (!found) return
  await removeOne(docker, id)
  const sandbox = sandboxIn(found)
  if (sandbox !== null) await removeSandbox(docker, sandbox)
}

/** See {@link Engine.wait}. */
export async function waitForEnd(docker: Docker, id: string, signal: AbortSignal): Promise<number> {
  const ended = await makeCall<{ StatusCode: number }>(
    (abortSignal) => docker.getContainer(id).wait({ abortSignal }),
    { limit: null, signal },
  )
  return ended.StatusCode
}
