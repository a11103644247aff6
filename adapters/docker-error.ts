import { explainConnection, explainRefusal } from './docker-trouble.ts'

/** What kind of refusal or failure an engine call met. */
export type EngineErrorCode =
  | 'no-image' // the image is not there, neither locally (create) nor at its registry (pull)
  | 'name-taken' // a container of this name exists already
  | 'port-taken' // the address and port to publish on is in use
  | 'not-startable' // the container cannot be started as it is: no such program, no such network, ...
  | 'no-network' // the network of its group is gone, or is another one by now
  | 'no-address' // its network has no address, or no port of a bridge, left
  | 'no-sandbox' // there is no sandbox to be had here, or nothing can be started in one
  | 'not-found' // no such container, exec or network
  | 'conflict' // not possible in the state it is in
  | 'denied' // credentials or permissions are missing, or it is not a container of ours
  | 'no-space' // the engine's disk is full
  | 'registry' // the registry could not be reached or answered nonsense
  | 'invalid' // the engine refused the request as malformed
  | 'unreachable' // the engine did not answer, or not in time
  | 'aborted' // the caller's signal
  | 'failed' // everything else

/** A failed engine call. `message` is the engine's own words, for operators. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly code: EngineErrorCode
  /** with `not-startable`: what the engine noted as exit code, e.g. 127 for a missing program */
  readonly exitCode: number | undefined

  constructor(code: EngineErrorCode, message: string, exitCode?: number) {
    super(message)
    this.code = code
    this.exitCode = exitCode
  }
}

/** What the caller was about; the engine uses one status for different things in different calls. */
export type EngineCall = 'create' | 'start' | 'pull' | 'other'

interface Reply {
  status: number
  words: string
}

/** What dockerode puts before the engine's words: `(HTTP code 500) server error - `. */
const PREFIX = /^\(HTTP code \d+\) [^-]* - /

/** dockerode keeps the status in `statusCode` and the engine's words in `json.message`, if the answer was JSON. */
function readReply(error: unknown): Reply | null {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return null
  const { statusCode, json, message } = error as {
    statusCode: unknown
    json?: unknown
    message?: unknown
  }
  if (typeof statusCode !== 'number') return null
  const own =
    typeof json === 'object' && json !== null && 'message' in json ? json.message : message
  return {
    status: statusCode,
    words: typeof own === 'string' ? own.replace(PREFIX, '').trim() : '',
  }
}

/** The HTTP status of an answered call, or null if no answer came. */
export function statusOf(error: unknown): number | null {
  return readReply(error)?.status ?? null
}

/**
 * A bridge of Linux has 1,023 ports ("exchange full"), its subnet has so many addresses, and each published port is one
 * of the kernel's ephemeral ones.
 */
const FULL = /exchange full|no available IPv[46] addresses|all ports are allocated/i

/** An engine's words without what it quotes in them, as the name of an image's program: that may say anything. */
export function unquoted(words: string): string {
  return words.replace(/"(?:\\.|[^"\\])*"/g, '""')
}

/**
 * Kind of a failure, by the engine's words where the status says too little (a missing network and a missing image
 * are both 404; a taken port, missing credentials and a full disk are all 500). Words as of engine 20.10 to 29.
 */
export function classify(call: EngineCall, status: number, words: string): EngineErrorCode {
  if (/no space left on device/i.test(words)) return 'no-space'
  if (FULL.test(unquoted(words))) return 'no-address'
  if (/port is already allocated|address already in use/i.test(words)) return 'port-taken'
  if (call === 'pull') return classifyPull(status, words)
  if (status === 404 && call === 'create')
    return /no such image|pull access denied|manifest/i.test(words) ? 'no-image' : 'not-startable'
  if (call === 'start' && /network .* not found/i.test(words)) return 'no-network'
  if (status === 404 && call === 'start')
    return /no such container/i.test(words) ? 'not-found' : 'not-startable'
  if (status === 404) return 'not-found'
  if (status === 409) return call === 'create' ? 'name-taken' : 'conflict'
  if (status === 401 || status === 403) return 'denied'
  if (call === 'start') return 'not-startable'
  return status === 400 ? 'invalid' : 'failed'
}

function classifyPull(status: number, words: string): EngineErrorCode {
  if (/no basic auth|unauthorized|authentication required|denied: /i.test(words)) return 'denied'
  if (status === 404 || /manifest unknown|not found|does not exist/i.test(words)) return 'no-image'
  if (status === 400) return 'invalid'
  if (/dial tcp|lookup |connection refused|timeout|no route|TLS|x509|EOF|awaiting/i.test(words))
    return 'registry'
  return 'failed'
}

/** Turns whatever a call threw into an EngineError; `late` says that its deadline had passed. */
export function explain(
  call: EngineCall,
  error: unknown,
  state: { aborted: boolean; late: number | null },
): EngineError {
  if (error instanceof EngineError) return error
  const reply = readReply(error)
  const refusal = reply && explainRefusal(reply.words)
  if (refusal) return new EngineError('unreachable', refusal)
  if (reply) return new EngineError(classify(call, reply.status, reply.words), reply.words)
  if (state.aborted) return new EngineError('aborted', 'the call was given up')
  if (state.late !== null)
    return new EngineError('unreachable', `the engine did not answer within ${state.late} ms`)
  const code = (error as NodeJS.ErrnoException).code
  const words = explainConnection(error)
  if (code === 'EACCES' || code === 'EPERM') return new EngineError('denied', words)
  return new EngineError('unreachable', words)
}
