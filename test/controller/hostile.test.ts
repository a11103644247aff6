import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { hostile } from '../hostile/corpus.ts'
import { ask } from '../system/client.ts'
import { type Backend, startBackend } from '../templates/backend.ts'
import { isLive } from '../templates/gateway.ts'
import { type LabController, routeOf, startControllerLab } from './gateway.ts'

const run = promisify(execFile)
const soon = <T>(look: () => T) => expect.poll(look, { timeout: 15_000, interval: 50 })

let lab: LabController
let shop: Backend

beforeAll(async () => {
  ;[lab, shop] = await Promise.all([startControllerLab(), startBackend('shop')])
  for (let i = 0; i < 10; i++) await lab.put(`good-${i}`, shop.address)
  await vi.waitFor(async () => expect((await lab.record())?.endpoints).toBe(10), 10_000)
})
afterAll(async () => {
  await lab.stop()
  await shop.stop()
})

const status = async (path: string) => (await ask(lab.origin, path)).status

/** The words of the running configuration, comments and generation left out. */
async function words(): Promise<string[]> {
  const { stdout } = await run('nginx', ['-e', 'stderr', '-T', '-q', '-c', lab.file], {
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
  })
  return stdout
    .replaceAll(/^\s*#.*$/gm, '')
    .replaceAll(/return 200 "\d+"/g, '')
    .split(/\s+/)
    .sort()
}

/** The words of it that are there for the routes to these apps. */
const about = (list: string[], app: string) => list.filter((word) => word.includes(app))

const values = hostile('etcd.value')
const keys = hostile('etcd.key')
const refused = values.filter(({ expect: law }) => law === 'ignore-entry')

describe('a hostile value in etcd', () => {
  it('is named in the log and the record, and the configuration has not a word of it', async () => {
    await soon(() => lab.routes()).toContain(routeOf('good-9'))
    const [before, file] = [await words(), await lab.routes()]
    for (const [i, { value }] of refused.entries()) {
      const key = `/services/clusters/poison-${i}`
      await lab.store.put(key, value)
      await soon(async () => (await lab.record())?.rejected.map((entry) => entry.key)).toContain(
        key,
      )
    }
    expect(await words()).toEqual(before)
    expect(await lab.routes()).toBe(file) // not even a reload
    expect(await status('/good-3/')).toBe(200)
    expect(await status('/poison-3/')).toBe(503)
  })

  it('is named once, however often it is written', async () => {
    for (let i = 0; i < 20; i++) await lab.put('poison-0', refused[0]?.value ?? '')
    const revision = await lab.put('poison-0', refused[0]?.value ?? '')
    await soon(async () => (await lab.record())?.applied).toBe(revision)
    for (const i of refused.keys()) {
      const key = `/services/clusters/poison-${i}`
      expect(lab.lines.filter((line) => line.key === key)).toHaveLength(1)
    }
    expect(Math.max(...lab.lines.map((line) => JSON.stringify(line).length))).toBeLessThan(1000)
  })

  it('takes nothing from the app that had a good one', async () => {
    for (const { value } of refused.slice(0, 5)) {
      const revision = await lab.put('good-1', value)
      await soon(async () => (await lab.record())?.applied).toBe(revision)
      expect(await status('/good-1/')).toBe(200)
    }
    await lab.put('good-1', shop.address)
  })

  it('does not keep ten good changes waiting', async () => {
    await Promise.all([
      ...refused.map(({ value }, i) => lab.put(`more-${i}`, value)),
      ...Array.from({ length: 10 }, (_, i) => lab.put(`late-${i}`, shop.address)),
      lab.put('x'.repeat(120), shop.address),
    ])
    await soon(async () =>
      Promise.all(Array.from({ length: 10 }, (_, i) => status(`/late-${i}/`))),
    ).toEqual(Array(10).fill(200))
    expect(about(await words(), 'more-')).toEqual([])
    expect(about(await words(), 'xxx')).toEqual([])
  })

  it('is told from the good ones beside it', async () => {
    const good = values.filter(({ expect: law }) => law === 'accept')
    expect(good).toHaveLength(2)
    for (const [i, { value }] of good.entries()) {
      await lab.put(`control-${i}`, value)
      await soon(() => lab.routes()).toContain(isLive ? `\t${value}*` : `server "${value}"`)
    }
  })
})

/** without the numbers and revisions of what was written */
const plain = (text: string) => text.replace(/^reveille table .*/m, '').replaceAll(/\d+/g, '')

describe('a hostile key in etcd', () => {
  it.each(keys)('$value: $why', async ({ value: key, expect: law }) => {
    const file = plain(await lab.routes())
    const revision = await lab.store.put(key, shop.address)
    if (key.startsWith('/services/clusters/'))
      await soon(async () => BigInt((await lab.record())?.applied ?? 0)).toBeGreaterThanOrEqual(
        BigInt(revision),
      )
    if (law === 'accept') {
      const name = key.split('/')[3] as string
      await soon(() => lab.routes()).toContain(routeOf(name))
      await lab.store.remove(key)
      return soon(() => lab.routes()).not.toContain(routeOf(name))
    }
    expect(plain(await lab.routes())).toBe(file)
    expect(await status('/good-3/')).toBe(200)
    if (key.startsWith('/services/clusters/'))
      expect((await lab.record())?.rejected.length).toBeGreaterThan(0)
    await lab.store.remove(key)
  })
})

describe('an address of the control plane', () => {
  it('is no endpoint, whoever registers it', async () => {
    const { listen, controllerAdmin } = lab.settings
    for (const [i, address] of [listen, controllerAdmin, lab.etcd.url.slice(7)].entries()) {
      const revision = await lab.put(`inside-${i}`, address)
      await soon(async () => BigInt((await lab.record())?.applied ?? 0)).toBeGreaterThanOrEqual(
        BigInt(revision),
      )
      expect(await lab.routes()).not.toContain(routeOf(`inside-${i}`))
    }
  })
})

describe('who says that it is a launcher', () => {
  it.each([
    ['169.254.169.254:80', 'not an address of a launcher'],
    ['127.0.0.1:2379', 'an address of the control plane'],
    ['8.8.8.8:8090', 'outside the launcher networks'],
    ['ETCD', 'an address of the control plane'],
    ['GATEWAY', 'an address of the control plane'],
    ['SHOP', 'an app is there'],
  ])('at %s is refused: %s', { timeout: 10_000 }, async (text, reason) => {
    const value = text
      .replace('ETCD', lab.etcd.url.slice('http://'.length))
      .replace('GATEWAY', lab.settings.listen)
      .replace('SHOP', shop.address)
    const key = `/services/launchers/evil-${text.replaceAll(/\W/g, '-')}`
    await lab.store.put(key, value)
    await soon(() => lab.lines).toContainEqual(expect.objectContaining({ key, reason }))
    expect(await lab.configuration()).not.toContain('upstream launcher')
    expect(await status('/good-3/')).toBe(200)
    await lab.store.remove(key)
  })

  it('keeps its address from whoever registers it as an app later', async () => {
    const key = '/services/launchers/one'
    await lab.store.put(key, '127.0.0.1:9')
    await soon(() => lab.configuration()).toContain('upstream launcher')
    await lab.put('thief', '127.0.0.1:9')
    const lost = { key: '/services/clusters/thief', reason: 'a launcher is there' }
    await soon(() => lab.lines).toContainEqual(expect.objectContaining(lost))
    expect(await lab.routes()).not.toContain(routeOf('thief'))
    await lab.store.remove(key)
    await lab.store.remove('/services/clusters/thief')
    await soon(() => lab.configuration()).not.toContain('upstream launcher')
  })
})
