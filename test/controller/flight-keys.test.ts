import { describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { ask } from '../system/client.ts'
import { door, flightOf } from './door.ts'
import { openLiveLab, soon } from './live-lab.ts'

vi.hoisted(() => {
  process.env.REVEILLE_TEST_LIVE = 'on'
})

/** Tells the keys of the counts, which nothing of the gateway's own does. */
const WINDOW = `location = /keys {
      content_by_lua_block { for _, key in ipairs(ngx.shared.reveille_in_flight:get_keys(0)) do ngx.say(key) end }
    }
    location = /flight {`

const { lab, shop, workers } = await openLiveLab((template) =>
  template.replace('location = /flight {', WINDOW),
)

const keys = async () => {
  const { text } = await door(lab, 'GET', '/keys')
  return text.split('\n').filter((line) => line !== '')
}

describe('the counts of requests in flight', () => {
  it('take no memory for addresses that have none: those that came and went, and those that answer', async () => {
    for (let round = 0; round < 40; round += 1) {
      // All of 127/8 is here: each round it is another address.
      const address = shop.address.replace('127.0.0.1', `127.0.1.${round + 1}`)
      await lab.put('roaming', address)
      const slow = [1, 2, 3].map(() => ask(lab.origin, '/roaming/slow/20'))
      await Promise.all([...slow, ask(lab.origin, '/shop/')])
    }
    await soon(keys).toEqual([])
    const socket = new WebSocket(`ws://${new URL(lab.origin).host}/shop/ws`)
    await soon(keys).toEqual([expect.stringMatching(` ${shop.address}$`)])
    expect(await flightOf(lab)).toEqual({ [shop.address]: 1 })
    socket.close()
    await soon(keys).toEqual([])
  })

  it('are as many as before after workers that were killed, reloads, and requests that outlive them', async () => {
    const open = () => new WebSocket(`ws://${new URL(lab.origin).host}/shop/ws`)
    const socket = open()
    await soon(() => flightOf(lab)).toEqual({ [shop.address]: 1 })
    for (let round = 0; round < 3; round += 1) {
      const before = await workers()
      process.kill(lab.nginx.pid, 'SIGHUP')
      await soon(async () => (await workers()).filter((pid) => before.includes(pid))).toHaveLength(
        1,
      )
      expect(await flightOf(lab)).toEqual({ [shop.address]: 1 })
    }
    const others = Array.from({ length: 20 }, open)
    for (const other of others) other.on('error', () => {})
    socket.on('error', () => {})
    await soon(() => flightOf(lab)).toEqual({ [shop.address]: 21 })
    for (const pid of await workers()) process.kill(pid, 'SIGKILL')
    await soon(keys).toEqual([])
    const next = open()
    await soon(() => flightOf(lab)).toEqual({ [shop.address]: 1 })
    next.close()
    await soon(keys).toEqual([])
  })
})
