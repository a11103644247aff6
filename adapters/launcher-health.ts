import type { Endpoint } from '../model/endpoint.ts'
import { readAnswer } from './http-answer.ts'

const ENTIRE = 4_096
const NEVER = new AbortController().signal

/**
 * The etcd revision up to which the launcher with its wake port at `endpoint` knows every change, as its /healthz says; null
 * if it does not within `timeout` milliseconds.
 */
export async function revisionAt(endpoint: Endpoint, timeout: number): Promise<bigint | null> {
  const asked = { path: '/healthz', timeout, most: ENTIRE }
  const answer = await readAnswer(endpoint, asked, NEVER)
  const [, revision] = /"revision":"(\d{1,20})"/.exec(answer?.body ?? '') ?? []
  return revision === undefined ? null : BigInt(revision)
}
