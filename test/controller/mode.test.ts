import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { ask } from '../system/client.ts'
import { startLoad } from '../system/load.ts'
import { type Backend, startBackend } from '../templates/backend.ts'
import { type LabController, startControllerLab } from './gateway.ts'

let lab: LabController
let shop: Backend

beforeAll(async () => {
  ;[lab, shop] = await Promise.all([startControllerLab(), startBackend('shop')])
  await lab.put('shop', shop.address)
  await vi.waitFor(async () => expect((await ask(lab.origin, '/shop/')).status).toBe(200), 10_000)
})
afterAll(async () => {
  await lab.stop()
  await shop.stop()
})

it.each(['on', 'off', 'on'] as const)(
  'a gateway goes on as a controller comes with --live %s',
  async (live) => {
    const { stop } = startLoad(lab.origin, '/shop/', 100)
    await lab.stopController()
    lab.settings.live = live
    await lab.startController()
    const isLive = async () => (await lab.configuration()).includes('lua_shared_dict')
    await expect.poll(isLive, { timeout: 15_000 }).toBe(live === 'on')
    const applied = await lab.put(`with-${live}`, shop.address)
    await expect.poll(async () => (await lab.record())?.applied, { timeout: 15_000 }).toBe(applied)
    expect((await lab.record())?.failure).toBeUndefined()
    expect((await ask(lab.origin, `/with-${live}/`)).status).toBe(200)
    expect((await stop()).failed).toEqual([])
  },
)

it('an app comes and goes while a configuration is on its way', async () => {
  await lab.stopController()
  const hold = join(lab.folder, 'hold')
  await writeFile(hold, '')
  lab.settings.checkCmd = `while [ -e ${hold} ]; do sleep 0.05; done; nginx -t -q -e stderr -c {{candidate}}`
  await lab.startController()
  const status = async (path: string) => (await ask(lab.origin, path)).status
  await lab.store.put('/services/pools/shop', JSON.stringify({ name: 'shop', routes: ['/one'] }))
  await lab.put('quick', shop.address)
  await expect.poll(() => status('/quick/'), { timeout: 15_000 }).toBe(200)
  await lab.store.remove('/services/clusters/quick')
  await expect.poll(() => status('/quick/'), { timeout: 15_000 }).toBe(503)
  expect(await status('/one/')).toBe(503)
  await rm(hold)
  await expect.poll(() => status('/one/'), { timeout: 15_000 }).toBe(200)
})

it('a WebSocket on which nobody has said a word for long is closed, and nothing else', async () => {
  await lab.stopController()
  lab.settings.silentSockets = 6
  await lab.startController()
  const applied = await lab.put('told', shop.address)
  await expect.poll(async () => (await lab.record())?.applied, { timeout: 15_000 }).toBe(applied)
  const [silent, busy] = [1, 2].map(
    () => new WebSocket(`ws://${new URL(lab.origin).host}/shop/ws`),
  ) as [WebSocket, WebSocket]
  await expect.poll(() => busy.readyState).toBe(WebSocket.OPEN)
  const talk = setInterval(() => busy.send('word'), 200)
  const slow = ask(lab.origin, '/shop/slow/8000')
  await expect.poll(() => silent.readyState, { timeout: 15_000 }).toBe(WebSocket.CLOSED)
  expect(busy.readyState).toBe(WebSocket.OPEN)
  expect((await slow).status).toBe(200)
  clearInterval(talk)
  busy.close()
})
