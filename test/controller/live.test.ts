import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { promisify } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { ask } from '../system/client.ts'
import { startLoad } from '../system/load.ts'
import { door, revisionOf, socketOf } from './door.ts'
import { appOf, openLiveLab, soon } from './live-lab.ts'

vi.hoisted(() => {
  process.env.REVEILLE_TEST_LIVE = 'on'
})

const { lab, shop, docs, appAt, workers } = await openLiveLab()

const generation = async () => (await ask(lab.origin, '/_reveille/generation')).text

describe('a change of what runs', () => {
  it('is live without a reload, and fails no request of busy clients', async () => {
    const before = [await generation(), await workers()]
    const socket = new WebSocket(`ws://${new URL(lab.origin).host}/shop/ws`)
    const messages: string[] = []
    socket.on('message', (data) => messages.push(String(data)))
    await soon(() => messages.length).toBe(1)
    const { stop } = startLoad(lab.origin, '/shop/', 150)
    for (let i = 0; i < 30; i++) {
      const applied = await lab.put(`app-${i}`, docs.address)
      await soon(() => appAt(`/app-${i}/`)).toBe('docs')
      if (i % 10 === 0) await soon(async () => (await lab.record())?.applied).toBe(applied)
    }
    const { asked, failed } = await stop()
    expect(failed).toEqual([])
    expect(asked).toBeGreaterThan(10)
    for (let i = 0; i < 30; i++) await lab.store.remove(`/services/clusters/app-${i}`)
    await soon(() => appAt('/app-29/')).toBe(503)
    socket.send('still here')
    await soon(() => messages.at(-1)).toBe('still here')
    socket.close()
    expect([await generation(), await workers()]).toEqual(before)
  })

  it('counts for a request whose body is still on its way', async () => {
    await lab.put('moved', shop.address)
    await soon(() => appAt('/moved/')).toBe('shop')
    const begin = () => {
      const body = new PassThrough()
      body.write('begun')
      const answer = ask(lab.origin, '/moved/', { method: 'POST', body })
      return async () => {
        body.end()
        return appOf(await answer)
      }
    }
    const first = begin()
    await lab.put('moved', docs.address)
    await soon(() => appAt('/moved/')).toBe('docs')
    expect(await first()).toBe('docs')
    const second = begin()
    await lab.store.remove('/services/clusters/moved')
    await soon(() => appAt('/moved/')).toBe(503)
    const { count } = docs
    expect(await second()).toBe(503)
    expect(docs.count).toBe(count)
  })

  it('counts for each try of a request, however long the one before took', async () => {
    const held: Socket[] = []
    const mute = createServer((socket) => void held.push(socket.on('error', () => {})))
    await new Promise<void>((ready) => mute.listen(0, '127.0.0.1', ready))
    await lab.store.put('/services/clusters/twice/1', docs.address)
    const applied = await lab.put('twice', `127.0.0.1:${(mute.address() as AddressInfo).port}`)
    await soon(async () => (await lab.record())?.applied).toBe(applied)
    // One after the other: two workers that choose at the same moment see the same.
    const asked = [appAt('/twice/')]
    await soon(() => held.length).toBe(1)
    asked.push(appAt('/twice/'))
    expect(await asked[1]).toBe('docs')
    await lab.store.put('/services/clusters/twice/1', shop.address)
    await soon(() => appAt('/twice/')).toBe('shop')
    mute.close()
    held[0]?.destroy()
    expect(await Promise.all(asked)).toEqual(expect.arrayContaining(['docs', 'shop']))
  })

  it('that nobody pushed is mended', async () => {
    const before = await revisionOf(lab)
    // Again, as it may be mended at once.
    await soon(async () => {
      await door(lab, 'PUT', '/table', 'reveille table 1 * abcd\n')
      return await appAt('/shop/')
    }).toBe(503)
    await soon(() => appAt('/shop/')).toBe('shop')
    expect(await revisionOf(lab)).toBe(before)
  })
})

describe('the table', () => {
  it('is there after a restart of nginx without a controller, and after a kill', async () => {
    await soon(() => readFile(join(lab.folder, 'nginx/table'), 'utf8')).toContain('shop\t')
    await lab.stopController()
    for (const end of ['stop', 'kill'] as const) {
      await lab.nginx[end]()
      await lab.startNginx()
      expect(await appAt('/shop/')).toBe('shop')
    }
    await lab.startController()
    await lab.put('after', docs.address)
    await soon(() => appAt('/after/')).toBe('docs')
  })

  it('stays over a reload, whatever the file says', async () => {
    await lab.stopController()
    const file = join(lab.folder, 'nginx/table')
    await writeFile(file, 'reveille table 1 * abcd\n')
    const before = await workers()
    process.kill(lab.nginx.pid, 'SIGHUP')
    await soon(async () => (await workers()).some((pid) => before.includes(pid))).toBe(false)
    expect(await appAt('/shop/')).toBe('shop')
    await lab.startController()
  })

  it('is out of reach for everybody else on the machine', async () => {
    expect((await stat(join(lab.folder, 'nginx/door'))).mode & 0o777).toBe(0o700)
    expect((await stat(join(lab.folder, 'nginx/table'))).mode & 0o777).toBe(0o600)
    const curl = (uid: number) =>
      promisify(execFile)('curl', ['-sS', '--unix-socket', socketOf(lab), 'http://x/table'], {
        uid,
        gid: uid,
      })
    expect((await curl(0)).stdout.trim()).toBe(await revisionOf(lab))
    await expect(curl(65_534)).rejects.toThrow(/Couldn't connect|Could not connect/)
  })

  it('gets another door where nginx has lost its own, and no request fails', async () => {
    const before = Number(await generation())
    const { stop } = startLoad(lab.origin, '/shop/', 150)
    await rm(socketOf(lab))
    await lab.put('lost', docs.address)
    await soon(() => appAt('/lost/')).toBe('docs')
    await soon(async () => (await lab.record())?.failure).toBeUndefined()
    expect((await stop()).failed).toEqual([])
    expect(Number(await generation())).toBe(before + 1)
    expect(await readdir(join(lab.folder, 'nginx/door'))).toEqual(['1'])
    await lab.stopController()
    await lab.startController()
    await lab.put('found', docs.address)
    await soon(() => appAt('/found/')).toBe('docs')
    expect(Number(await generation())).toBe(before + 1)
  })

  it('that can have no other door yet says why, and has one as soon as it can', async () => {
    const next = join(lab.folder, 'nginx/door/2')
    await mkdir(next)
    const rejections: unknown[] = []
    const onRejection = (reason: unknown) => rejections.push(reason)
    process.on('unhandledRejection', onRejection)
    await rm(join(lab.folder, 'nginx/door/1'))
    await lab.put('walled', docs.address)
    await soon(async () => (await lab.record())?.failure ?? '').toMatch(/door\/2/)
    await rm(next, { recursive: true })
    await soon(() => appAt('/walled/')).toBe('docs')
    await soon(async () => (await lab.record())?.failure).toBeUndefined()
    process.off('unhandledRejection', onRejection)
    expect(rejections).toEqual([])
  })
})
