import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { ask } from '../system/client.ts'
import { TEMPLATE } from '../templates/gateway.ts'
import { door, flightOf } from './door.ts'
import { openLiveLab, soon } from './live-lab.ts'

vi.hoisted(() => {
  process.env.REVEILLE_TEST_LIVE = 'on'
})

const WORKERS = 4
const STRANGER = '10.0.0.1:80'

/** Tells the pids of the workers that have a number, how many numbers there are, and how many counts were looked at. */
const WINDOW = `location = /workers {
      content_by_lua_block {
        local state = ngx.shared.reveille_state
        for _, key in ipairs(state:get_keys(0)) do
          if key:find("^worker %d") then ngx.say(state:get(key)) end
        end
      }
    }
    location = /looks {
      content_by_lua_block {
        local state = ngx.shared.reveille_state
        ngx.say(state:get("workers"), " ", state:get("looks") or 0)
        state:delete("looks")
      }
    }
    location = /left { content_by_lua_block { ngx.shared.reveille_flight:set("4711 ${STRANGER}", 5) } }
    location = /reused {
      content_by_lua_block {
        local state = ngx.shared.reveille_state
        local number = state:incr("workers", 1) - 1
        state:set("worker " .. number, tonumber(ngx.var.arg_pid))
        ngx.shared.reveille_in_flight:set(number .. " ${STRANGER}", 5)
      }
    }
    location = /flight {`

/** A worker takes its time to be born, and each count that is looked at for least connections is counted itself. */
const PROGRAM = `{{ plan.lua
  | replace('me = number .. " "', 'me = number .. " " os.execute("sleep 0.1")')
  | replace('sum = sum + (flight', 'state:incr("looks", 1, 0) sum = sum + (flight') }}`

const windowed = (template: string) =>
  template
    .replace('location = /flight {', WINDOW)
    .replace('worker_processes auto', `worker_processes ${WORKERS}`)

// A gateway of an older release: its counts were in a memory of another name, by pid.
const { lab, shop, docs, appAt, workers } = await openLiveLab((template) => {
  const old = `{{ plan.lua | replace('reveille_in_flight', 'reveille_flight') }}`
  const older = windowed(template).replace('reveille_in_flight', 'reveille_flight')
  return older.replace('{{ plan.lua }}', old)
})

const numbered = async () => {
  const lines = (await door(lab, 'GET', '/workers')).text.split('\n')
  return lines.map(Number).sort((left, right) => left - right)
}
const looks = async () => (await door(lab, 'GET', '/looks')).text.split(' ').map(Number)

/** Kills a worker that may have ended by itself meanwhile. */
const kill = (pid: number) => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Each worker that lives has a number, nobody else has, and each its own. */
const expectNumbers = (count: number) =>
  soon(async () => {
    await flightOf(lab)
    const living = await workers()
    return living.length === count && living.join() === (await numbered()).join()
  }).toBe(true)

describe('the counts of workers', () => {
  it('are not those that an older release left, after a reload', async () => {
    await door(lab, 'GET', '/left')
    expect(await flightOf(lab)).toEqual({ [STRANGER]: 5 })
    const template = windowed(await readFile(TEMPLATE, 'utf8'))
    await writeFile(lab.settings.template, template.replace('{{ plan.lua }}', PROGRAM))
    await soon(() => flightOf(lab)).toEqual({})
    await expectNumbers(WORKERS)
  })

  it('are looked at one by one where an app has several instances, else none', async () => {
    await lab.put('two', shop.address)
    await lab.store.put('/services/clusters/two/1', docs.address)
    await soon(async () => new Set([await appAt('/two/'), await appAt('/two/')])).toEqual(
      new Set(['shop', 'docs']),
    )
    await looks()
    for (let i = 0; i < 20; i += 1) await ask(lab.origin, '/shop/')
    const [numbers = 0, none] = await looks()
    expect(none).toBe(0)
    // Those of the gateway before, and those of this one.
    expect(numbers).toBeLessThanOrEqual(2 * 2 * WORKERS)
    for (let i = 0; i < 20; i += 1) await ask(lab.origin, '/two/')
    expect(await looks()).toEqual([numbers, 20 * 2 * numbers])
  })

  it('are dropped, too, where another nginx has the pid of a worker that died', async () => {
    const other = spawn('sleep', ['600'], { argv0: 'nginx: worker process', stdio: 'ignore' })
    try {
      await door(lab, 'GET', `/reused?pid=${other.pid}`)
      await soon(() => flightOf(lab)).toEqual({})
      await expectNumbers(WORKERS)
    } finally {
      other.kill()
    }
  })

  it('are their own each, after reloads on the heels of each other, and after all are killed at once', async () => {
    const socket = new WebSocket(`ws://${new URL(lab.origin).host}/shop/ws`)
    await soon(() => flightOf(lab)).toEqual({ [shop.address]: 1 })
    const first = await workers()
    for (let round = 0; round < 6; round += 1) {
      for (let i = 0; i < 3; i += 1) {
        process.kill(lab.nginx.pid, 'SIGHUP')
        await pause(50)
      }
      // The one with the socket is left of them.
      await soon(async () => (await workers()).filter((pid) => first.includes(pid))).toHaveLength(1)
      await expectNumbers(WORKERS + 1)
      await soon(() => flightOf(lab)).toEqual({ [shop.address]: 1 })
      for (const pid of await workers()) if (!first.includes(pid)) kill(pid)
      await expectNumbers(WORKERS + 1)
      await soon(() => flightOf(lab)).toEqual({ [shop.address]: 1 })
    }
    expect(socket.readyState).toBe(WebSocket.OPEN)
    socket.close()
    await soon(() => flightOf(lab)).toEqual({})
    await expectNumbers(WORKERS)
  }, 120_000)
})
