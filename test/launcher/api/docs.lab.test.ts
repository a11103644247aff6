import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Pair, startPair } from './pair.ts'

let pair: Pair
beforeAll(async () => {
  pair = await startPair()
})
afterAll(() => pair?.stop())

describe('docs/api.md', () => {
  const text = readFileSync(new URL('../../../docs/api.md', import.meta.url), 'utf8')
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map((match) => match[1] ?? '')

  test('has examples that work, in their order', async () => {
    expect(blocks.length).toBeGreaterThan(10)
    const preamble = (blocks[0] ?? '')
      .replace('http://127.0.0.1:8091', pair.api)
      .replace('/var/lib/reveille', pair.stateDir)
    for (const block of blocks.slice(1)) {
      const script = `set -eu\n${preamble}\n${block.replaceAll('shop:1', 'reveille-test/app:1')}`
      const run = promisify(execFile)('timeout', ['20', 'bash', '-c', script])
      if (block.includes('call -N')) {
        // a stream for ever: it must only not be refused
        const early = await Promise.race([run.catch((error: Error) => error), pause(1500)])
        expect(early, block).toBeUndefined()
        run.child.kill('SIGTERM')
        await run.catch(() => {})
      } else await expect(run, block).resolves.toBeDefined()
    }
  })
})
