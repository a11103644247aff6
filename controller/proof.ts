import type { Proxy } from './apply.ts'

/** Old workers are told to stop accepting 100 ms after the new ones began (ngx_process_cycle.c). */
const HANDOVER = 120
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * Waits until a proxy that was reloaded answers for a generation, or has ended: then it reads its file when it starts.
 * Returns why it does not, or null.
 * @param patience milliseconds
 */
export async function prove(
  proxy: Pick<Proxy, 'generation' | 'running'>,
  generation: number,
  patience: number,
): Promise<string | null> {
  const end = performance.now() + patience
  let answer: number | null = null
  for (let wait = 5; performance.now() < end; wait = Math.min(wait * 2, 50)) {
    answer = await proxy.generation()
    if (answer === generation) {
      await pause(HANDOVER)
      answer = await proxy.generation()
      if (answer === generation) return null
    }
    if (answer === null && !(await proxy.running())) return null
    await pause(wait)
  }
  return `generation ${generation} is not live: ${answer === null ? 'nothing answers' : `${answer} answers`}`
}
