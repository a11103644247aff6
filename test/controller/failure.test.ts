import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { freePort } from '../lab/port.ts'
import { ask } from '../system/client.ts'
import { type Backend, startBackend } from '../templates/backend.ts'
import { isLive, TEMPLATE } from '../templates/gateway.ts'
import { type LabController, startControllerLab } from './gateway.ts'

const soon = <T>(look: () => T) => expect.poll(look, { timeout: 15_000, interval: 50 })
let lab: LabController
let shop: Backend
let template: string
let original: string

beforeAll(async () => {
  original = await readFile(TEMPLATE, 'utf8')
  shop = await startBackend('shop')
  lab = await startControllerLab(async (folder) => {
    template = join(folder, 'own.conf.njk')
    await writeFile(template, original)
    return { template }
  })
  await lab.put('shop', shop.address)
  await vi.waitFor(async () => expect(await status('/shop/')).toBe(200), 10_000)
})
afterAll(async () => {
  await lab.stop()
  await shop.stop()
})

const status = async (path: string) => (await ask(lab.origin, path)).status
const hash = async () =>
  createHash('sha256')
    .update(await lab.configuration())
    .digest('hex')
/** When the next refusals were counted, in milliseconds. */
async function refusals(count: number): Promise<number[]> {
  const total = async () => {
    const { text } = await ask(`http://${lab.settings.controllerAdmin}`, '/metrics')
    return Number(/reloads_total\{[^}]*result="refused"[^}]*\} (\d+)/.exec(text)?.[1] ?? 0)
  }
  const times: number[] = []
  let known = await total()
  const end = performance.now() + 20_000
  while (times.length < count && performance.now() < end) {
    const now = await total()
    if (now > known) times.push(performance.now())
    known = now
    await pause(50)
  }
  return times
}
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('a template that is wrong', () => {
  it.each([
    ['does not compile', '{% for app in plan.apps %} server {', /template: .*expected/i],
    ['asks for what is not there', '{{ plan.nothing }}', /template: .*undefined/i],
    ['cannot be quoted', '{{ "$host" | quote }}', /template: .*"\$"/],
    ['is no configuration', 'events {}\nhttp { nonsense on; }', /nonsense.*:2/],
  ])('because it %s is refused, and nothing else changes', async (_, text, reason) => {
    const before = await hash()
    await writeFile(template, text)
    await soon(async () => (await lab.record())?.failure).toMatch(reason)
    await lab.put('meanwhile', shop.address)
    expect(await hash()).toBe(before)
    expect(await status('/shop/')).toBe(200)
    const health = await ask(`http://${lab.settings.controllerAdmin}`, '/healthz')
    expect(health.status).toBe(503)
    expect(JSON.parse(health.text).failure).toMatch(reason)

    await lab.stopController()
    expect(await status('/shop/')).toBe(200)
    await lab.startController()
    await soon(async () => (await lab.record())?.failure).toMatch(reason)
    expect(await hash()).toBe(before)

    await writeFile(template, original)
    await soon(async () => (await lab.record())?.failure).toBeUndefined()
    await soon(() => status('/meanwhile/')).toBe(200)
    await lab.store.remove('/services/clusters/meanwhile')
    await soon(() => status('/meanwhile/')).toBe(503)
    expect(await readdir(lab.folder)).not.toContain('nginx.conf.candidate')
  })

  it('is tried again ever later', { timeout: 30_000 }, async () => {
    const named = () => lab.lines.filter(({ msg }) => msg.includes('not taken')).length
    const before = named()
    const watched = refusals(4)
    await pause(200) // it knows the number before
    await writeFile(template, 'events {}\nhttp { nonsense on; }')
    // named once, as the same reason again is no news; tried all the same: after 1 s, 2 s, 3 s
    const times = await watched
    const gaps = times.slice(1).map((time, index) => time - (times[index] as number))
    // each is seen by a look every 50 ms, which may be late
    for (const [index, gap] of gaps.entries()) expect(gap).toBeGreaterThan(1000 * (index + 1) - 500)
    expect(named() - before).toBe(1)
    await writeFile(template, original)
    await soon(async () => (await lab.record())?.failure).toBeUndefined()
  })
})

describe('a configuration nginx takes but does not run', () => {
  it('is put back, said to be not live, and tried until it is', async () => {
    const port = await freePort()
    const holder = createServer()
    await new Promise<void>((resolve) => holder.listen(port, '127.0.0.1', resolve))
    const before = await hash()
    await writeFile(
      template,
      original.replace(
        'listen {{ plan.listen }}',
        `listen 127.0.0.1:${port};\n    listen {{ plan.listen }}`,
      ),
    )
    await soon(async () => (await lab.record())?.failure).toMatch(/^generation \d+ is not live/)
    await soon(hash).toBe(before)
    for (let i = 0; i < 50; i++) expect(await status('/shop/')).toBe(200)
    await new Promise((resolve) => holder.close(resolve))
    await soon(async () => (await lab.record())?.failure).toBeUndefined()
    expect((await ask(`http://127.0.0.1:${port}`, '/shop/')).status).toBe(200)
    await writeFile(template, original)
    await soon(async () =>
      ask(`http://127.0.0.1:${port}`, '/shop/').then(
        () => 'open',
        () => 'closed',
      ),
    ).toBe('closed')
  })
})

describe('a hundred changes a second', () => {
  it('cost at most one reload a second, fail no request, and the last one is live soon after', async () => {
    await pause(1200)
    const live = () => lab.lines.filter(({ msg }) => msg === 'configuration live').length
    const before = live()
    const started = performance.now()
    let failed = 0
    let sent = 0
    let over = false
    const load = Array.from({ length: 4 }, async () => {
      while (!over) {
        sent++
        if ((await status('/shop/').catch(() => 0)) !== 200) failed++
      }
    })
    for (let i = 0; performance.now() - started < 5000; i++) {
      await lab.put(`flap-${i % 20}`, i % 2 ? shop.address : '127.0.0.1:1')
      await pause(5)
    }
    await lab.put('flap-last', shop.address)
    const seconds = (performance.now() - started) / 1000
    const reloads = live() - before
    await soon(() => status('/flap-last/')).toBe(200)
    over = true
    await Promise.all(load)
    expect(reloads).toBeLessThanOrEqual(Math.ceil(seconds))
    if (isLive) expect(reloads).toBe(0)
    else expect(reloads).toBeGreaterThan(1)
    expect(sent).toBeGreaterThan(100)
    expect(failed).toBe(0)
  })
})
