import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type LabController, startControllerLab } from '../controller/gateway.ts'
import { type Part, startPart } from '../lab/part.ts'
import { freePort } from '../lab/port.ts'
import { eventually } from '../registrar/process.ts'
import { ask } from '../system/client.ts'

const FOLDER = join(import.meta.dirname, '../../examples/pools')

let lab: LabController
let browser: Browser
const servers: Part[] = []

/** A server of the example, in its pool. */
async function start(file: string, pool: string, routes: string[]): Promise<void> {
  const port = await freePort()
  const program = ['HOST=127.0.0.1', `PORT=${port}`, 'node', join(FOLDER, file)]
  servers.push(await startPart('env', program))
  await lab.store.put(`/services/pools/${pool}`, JSON.stringify({ name: pool, routes }))
  await lab.put(pool, `127.0.0.1:${port}`)
}

beforeAll(async () => {
  lab = await startControllerLab()
  await start('static.js', 'static', ['/'])
  await start('students.js', 'dynamic', ['=/api/student'])
  for (const path of ['/', '/api/student'])
    await eventually(async () => (await ask(lab.origin, path)).status === 200)
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    // Tests run as root, where its sandbox cannot.
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  })
})
afterAll(async () => {
  await browser?.close()
  for (const server of servers) await server.kill()
  await lab.stop()
})

it('its page asks the API for other students every two seconds, and says so when that is away', async () => {
  const page = await browser.newPage()
  const asked: number[] = []
  page.on('request', (request) => {
    if (new URL(request.url()).pathname === '/api/student') asked.push(performance.now())
  })
  await page.goto(lab.origin)
  await expect.poll(() => asked.length, { timeout: 20_000 }).toBeGreaterThan(3)
  const gaps = asked.slice(1).map((at, index) => at - (asked[index] as number))
  const usual = gaps.toSorted((a, b) => a - b)[Math.floor(gaps.length / 2)] as number
  expect(usual).toBeGreaterThan(1_500)
  expect(usual).toBeLessThan(3_500)
  const seen = new Set<string>()
  await expect
    .poll(async () => seen.add((await page.textContent('#students')) ?? '').size, {
      timeout: 20_000,
    })
    .toBeGreaterThan(1)
  expect(await page.textContent('#by')).toMatch(/:\d+$/)
  await servers[1]?.kill()
  await expect
    .poll(() => page.textContent('#by'), { timeout: 20_000 })
    .toContain('the API does not answer')
}, 90_000)
