import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { ask } from '../system/client.ts'
import { startLoad } from '../system/load.ts'
import { type Backend, startBackend } from '../templates/backend.ts'
import { type LabController, startControllerLab } from './gateway.ts'

vi.hoisted(() => {
  process.env.REVEILLE_TEST_PROXY = 'haproxy'
})

let lab: LabController
let shop: Backend
const live = () => lab.lines.filter(({ msg }) => msg === 'configuration live').length
const soon = <T>(look: () => T) => expect.poll(look, { timeout: 15_000, interval: 50 })

beforeAll(async () => {
  ;[lab, shop] = await Promise.all([startControllerLab(), startBackend('shop')])
  await lab.put('shop', shop.address)
})
afterAll(async () => {
  await lab.stop()
  await shop.stop()
})

it('another instance comes and goes without a reload', async () => {
  await soon(async () => (await lab.record())?.endpoints).toBe(1)
  const results = () =>
    lab.lines.flatMap(({ msg, result }) => (msg === 'configuration live' ? [result] : []))
  const known = results().length
  const second = await startBackend('second')
  const key = '/services/clusters/shop/1'
  await lab.store.put(key, second.address)
  await soon(() => results().slice(known)).toEqual(['moved'])
  await soon(async () => (await ask(lab.origin, '/shop/')).text).toContain('second')
  await lab.store.remove(key)
  await soon(() => results().slice(known)).toEqual(['moved', 'moved'])
  await second.stop()
  expect((await ask(lab.origin, '/shop/')).text).toContain('shop')
}, 60_000)

it('no request is lost while HAProxy is reloaded again and again, and what is open stays open', async () => {
  await soon(async () => (await ask(lab.origin, '/shop/')).status).toBe(200)
  const socket = new WebSocket(`ws://${new URL(lab.origin).host}/shop/ws`)
  const messages: string[] = []
  socket.on('message', (data) => messages.push(String(data)))
  await soon(() => messages.length).toBe(1)
  const upload = ask(lab.origin, '/shop/slow/5000', { method: 'POST', body: 'x'.repeat(100_000) })
  const before = live()
  const { stop } = startLoad(lab.origin, '/shop/', 150)
  for (let i = 0; live() - before < 5; i++) {
    await lab.put(`app-${i}`, shop.address)
    await pause(300)
  }
  const { asked, failed } = await stop()
  expect(failed).toEqual([])
  expect(asked).toBeGreaterThan(300)
  expect((await upload).status).toBe(200)
  socket.send('still here')
  await soon(() => messages.at(-1)).toBe('still here')
  socket.close()
}, 120_000)

it('an entry that HAProxy could read as syntax changes nothing', async () => {
  await lab.store.put('/services/clusters/x', '127.0.0.1:1; bind *:1')
  await lab.store.put("/services/clusters/a'b", shop.address)
  await soon(async () => (await lab.record())?.rejected.length).toBe(2)
  expect(await lab.configuration()).not.toMatch(/bind \*:1|a'b/)
  expect((await ask(lab.origin, '/shop/')).status).toBe(200)
})

it("a template, a file and a reload command of one's own take the place of the built-in ones", async () => {
  const own = await startControllerLab(async (folder) => {
    const text = await readFile('templates/haproxy.cfg.njk', 'utf8')
    await writeFile(join(folder, 'my.cfg.njk'), text.replace('maxconn {{', '# mine\n  maxconn {{'))
    return {
      template: join(folder, 'my.cfg.njk'),
      output: join(folder, 'my.cfg'),
      reloadCmd: `kill -USR2 $(cat '${folder}/haproxy/haproxy.pid')`,
    }
  })
  try {
    await own.put('shop', shop.address)
    await soon(async () => (await ask(own.origin, '/shop/')).status).toBe(200)
    expect(await readFile(join(own.folder, 'my.cfg'), 'utf8')).toContain('# mine')
    await writeFile(join(own.folder, 'my.cfg.njk'), 'frontend x\n  nonsense {{ plan.stamp }}')
    await soon(async () => (await own.record())?.failure ?? '').toContain(
      "unknown keyword 'nonsense'",
    )
    expect((await ask(own.origin, '/shop/')).status).toBe(200)
  } finally {
    await own.stop()
  }
})
