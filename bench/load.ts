import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface LoadResult {
  requests: number
  perSecond: number
  /** milliseconds */
  p50: number
  p99: number
  /** answers that were not 2xx or 3xx, and connections that broke */
  failed: number
}

export interface LoadOptions {
  connections?: number
  seconds?: number
  /** requests per second of all connections together, at random moments; as many as there can be unless given */
  rate?: number
}

/**
 * Loads `origin` with wrk for `seconds`, keep-alive connections without retry, the `paths` in turn.
 * @param folder where its script is written
 * @throws if wrk is missing (Debian: apt install wrk)
 */
export async function load(
  folder: string,
  origin: string,
  paths: readonly string[],
  { connections = 32, seconds = 3, rate = 0 }: LoadOptions = {},
): Promise<LoadResult> {
  const script = join(folder, 'load.lua')
  const list = paths.map((path) => JSON.stringify(path)).join(',')
  // A pause before each request, exponentially distributed, in whole milliseconds: those of many connections add up to a rate.
  const pause = (1000 * connections) / rate
  const delay =
    rate > 0 ? `delay = function() return -math.log(1 - math.random()) * ${pause} end` : ''
  writeFileSync(
    script,
    `local paths, i = {${list}}, 0
request = function() i = i % #paths + 1; return wrk.format('GET', paths[i]) end
${delay}
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('RESULT %d %d %d %d %d\\n', summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end\n`,
  )
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, origin]
  const { stdout } = await run('wrk', args)
  const match = /RESULT (\d+) (\d+) (\d+) (\d+) (\d+)/.exec(stdout)
  if (!match) throw new Error(`wrk said: ${stdout}`)
  const [requests = 0, duration = 1, p50 = 0, p99 = 0, failed = 0] = match.slice(1).map(Number)
  return {
    requests,
    perSecond: requests / (duration / 1e6),
    p50: p50 / 1000,
    p99: p99 / 1000,
    failed,
  }
}
