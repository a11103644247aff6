import type Docker from 'dockerode'
import type { ContainerInspectInfo } from 'dockerode'
import type { ContainerRequest } from '../model/container.ts'
import { createBody } from './docker-body.ts'
import { getPath, makeCall, SLOW } from './docker-call.ts'
import { EngineError, unquoted } from './docker-error.ts'
import { importImage } from './docker-import.ts'
import { inspectContainer, isSandbox, ours } from './docker-inspect.ts'
import { sandboxBody } from './docker-network.ts'
import { sandboxOf } from './docker-pair.ts'
import { SANDBOX_CHANGES, SANDBOX_IMAGE, sandboxLayer } from './sandbox-image.ts'

/** Creates a container and returns its id. Throws EngineError. */
export async function createOne(docker: Docker, made: { name: string }): Promise<string> {
  const { name, ...body } = made
  // said apart, for otherwise all of the body, env with its secrets too, goes into the URL and so into logs
  const options = { _query: { name }, _body: body }
  const created = await makeCall(
    (abortSignal) =>
      docker.createContainer({ ...options, abortSignal } as Docker.ContainerCreateOptions),
    { call: 'create', limit: SLOW },
  )
  return created.id
}

/**
 * Creates a container with a sandbox that runs from now on, or neither. An engine that runs apps as processes has no
 * networks to tell apart: there it is created without one.
 */
export async function createWithSandbox(
  docker: Docker,
  request: ContainerRequest,
): Promise<string> {
  const sandbox = await openSandbox(docker, request).catch(refuse)
  if (sandbox === null) return createOne(docker, createBody(request))
  let made: string | null = null
  try {
    const app = await createOne(docker, createBody(request, sandbox))
    made = app
    await startOne(docker, sandbox).catch(refuse)
    return app
  } catch (error) {
    for (const id of [made, sandbox])
      if (id !== null) await removeOne(docker, id, true).catch(() => {})
    throw made === null && isOfJoining(error) ? asRefusal(error) : error
  }
}

/** What says nothing of sandboxes: a container of its own would have met the same. */
const APART: ReadonlySet<string> = new Set([
  ...['unreachable', 'aborted', 'name-taken', 'no-space', 'no-address', 'no-network', 'port-taken'],
])

/** A failure to make a sandbox as what it is. */
function asRefusal(error: unknown): unknown {
  if (!(error instanceof EngineError) || APART.has(error.code)) return error
  return new EngineError('no-sandbox', error.message)
}

function refuse(error: unknown): never {
  throw asRefusal(error)
}

/** Whether a container was refused for whose network it is to have. Not every engine has a word for that. */
export function isOfJoining(error: unknown): boolean {
  if (!(error instanceof EngineError)) return false
  if (error.code === 'denied' || error.code === 'conflict') return true
  return REFUSED.has(error.code) && /network|namespace|netns/i.test(unquoted(error.message))
}

const REFUSED: ReadonlySet<string> = new Set(['invalid', 'failed', 'not-startable'])

/** The id of a new sandbox; null where there are none. */
async function openSandbox(docker: Docker, request: ContainerRequest): Promise<string | null> {
  const create = (): Promise<string> => createOne(docker, sandboxBody(request))
  try {
    return await create()
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    if (error.code === 'no-image') return (await provideImage(docker)) ? await create() : null
    // One that is left of a try that was broken off, unless the container is there that it belongs to.
    if (error.code !== 'name-taken' || (await inspectContainer(docker, request.name))) throw error
    await removeSandbox(docker, sandboxBody(request).name)
    return await create()
  }
}

/** Gives the engine the image of sandboxes. False if it has no use for one. */
async function provideImage(docker: Docker): Promise<boolean> {
  const { Arch, Version } = await makeCall((abortSignal) =>
    getPath<{ Arch: string; Version: string }>(docker, '/version', abortSignal),
  )
  if (Version === 'process') return false
  const layer = { tar: sandboxLayer(Arch), instructions: SANDBOX_CHANGES }
  await importImage(docker, SANDBOX_IMAGE, layer)
  return true
}

/** Starts one container. False if it runs already. Throws EngineError. */
export async function startOne(docker: Docker, id: string): Promise<boolean> {
  const container = docker.getContainer(id)
  const started = await makeCall<true | undefined>(
    async (abortSignal) => {
      await container.start({ abortSignal })
      return true
    },
    { call: 'start', limit: SLOW, fine: [304] },
  )
  return started === true
}

/** Removes one container with its anonymous volumes; that it is gone is fine. Throws EngineError. */
export async function removeOne(docker: Docker, id: string, force = false): Promise<void> {
  await makeCall((abortSignal) => docker.getContainer(id).remove({ v: true, force, abortSignal }), {
    limit: SLOW,
    fine: [404],
  })
}

/** Removes a sandbox, and nothing else: that it runs, or is gone, is fine. */
export async function removeSandbox(docker: Docker, id: string): Promise<void> {
  if (await isOneOfOurs(docker, id)) await removeOne(docker, id, true)
}

/** Whether it is a sandbox. By its labels alone any container may say that another one is its own. */
async function isOneOfOurs(docker: Docker, id: string): Promise<boolean> {
  const found = await inspectContainer(docker, id)
  return found !== null && isSandbox(found)
}

/**
 * Stops the sandbox of a container that does not run, and so gives its address and its port of the bridge back; the next
 * start has another one. That there is none, or that it does not run, is fine. Throws EngineError.
 */
export async function stopSandbox(docker: Docker, id: string): Promise<void> {
  const found = await ours(docker, id)
  const sandbox = found && sandboxIn(found)
  if (!sandbox || found.State.Running || !(await isOneOfOurs(docker, sandbox))) return
  await makeCall((abortSignal) => docker.getContainer(sandbox).stop({ abortSignal }), {
    limit: SLOW,
    fine: [304, 404],
  })
}

/** The id of the sandbox that a container says it has, null if it says nothing of one. */
export function sandboxIn(found: ContainerInspectInfo): string | null {
  return sandboxOf(found.Config.Labels, found.HostConfig?.NetworkMode)
}

/**
 * Sees to it that the sandbox of a container runs that could not be started. False: there is nothing wrong with it.
 * @throws EngineError `no-network` if it is gone, so that both are to be made anew
 */
export async function reviveSandbox(docker: Docker, id: string): Promise<boolean> {
  const found = await inspectContainer(docker, id)
  const sandbox = found && sandboxIn(found)
  if (!sandbox) return false
  const state = (await inspectContainer(docker, sandbox))?.State
  if (!state) throw new EngineError('no-network', `its sandbox ${sandbox} is gone`)
  if (state.Running) return false
  await startOne(docker, sandbox)
  return true
}
