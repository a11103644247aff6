import type Docker from 'dockerode'
import { makeCall, readStream } from './docker-call.ts'

/** See {@link Engine.exec}. The command goes on inside when `signal` aborts: an engine cannot end it. */
export async function runCommand(
  docker: Docker,
  id: string,
  command: string[],
  signal: AbortSignal,
): Promise<number> {
  const body = { Cmd: command, AttachStdout: true, AttachStderr: true }
  const exec = await makeCall(
    (abortSignal) => docker.getContainer(id).exec({ ...body, abortSignal }),
    { signal },
  )
  const output = readStream(
    (abortSignal) => exec.start({ abortSignal } as Docker.ExecStartOptions),
    (source) => source,
    { signal },
  )
  for await (const _ of output);
  const ended = await makeCall((abortSignal) => exec.inspect({ abortSignal }), { signal })
  // the output of a container that died under it ends as well, without a code
  return ended.ExitCode ?? 255
}
