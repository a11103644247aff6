import { ProblemError } from '../../model/problem.ts'
import { codeOf } from '../engine.ts'

/** A start that failed for a reason of the host: another one may well do. */
export class HostFault extends ProblemError {}

/** The image is neither on the host nor at its registry: only who has it already may do. */
export class ImageMissing extends ProblemError {}

/** The right to start the slot was lost before anything was started under it. */
export class Lost extends ProblemError {}

/** @param app whose start is given up */
export function lost(app: string): Lost {
  const detail = 'its claim was lost, as etcd was away or restored'
  return new Lost('unavailable', { app, detail, retryAfter: 2 })
}

/** Somebody else was promised the room meanwhile, or has started the slot. */
export class Taken extends Error {}

/**
 * Refusals of an engine that say nothing about the app. One that has lost or found a container under our hands is
 * asked once more before.
 */
const HOSTS: ReadonlySet<string> = new Set([
  ...['unreachable', 'no-space', 'port-taken', 'registry', 'denied', 'invalid', 'failed'],
  ...['not-found', 'name-taken', 'conflict', 'no-address', 'no-sandbox'],
])

/** Exit codes an engine notes for a program that is not there, or is none: so it is on every host. */
const PROGRAM: ReadonlySet<unknown> = new Set([126, 127])

/** Whether a start failed for a reason of its host, so that the next one is to be tried. */
export function isHostsFault(error: unknown): boolean {
  if (error instanceof HostFault) return true
  const code = codeOf(error)
  if (code !== 'not-startable') return !(error instanceof ProblemError) && HOSTS.has(code)
  return !PROGRAM.has((error as Error & { exitCode?: unknown }).exitCode)
}
