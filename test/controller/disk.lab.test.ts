import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { ask } from '../system/client.ts'
import { type Backend, startBackend } from '../templates/backend.ts'
import { type LabController, startControllerLab } from './gateway.ts'

const run = promisify(execFile)
let lab: LabController
let shop: Backend
let small: string

beforeAll(async () => {
  shop = await startBackend('shop')
  lab = await startControllerLab(async (folder) => {
    small = join(folder, 'small')
    await mkdir(small)
    await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', small])
    return { output: join(small, 'nginx.conf') }
  })
  await lab.put('shop', shop.address)
  await vi.waitFor(async () => expect(await status('/shop/')).toBe(200), 10_000)
})
afterAll(async () => {
  await lab.stopController()
  await run('umount', [small])
  await lab.stop()
  await shop.stop()
})

const status = async (path: string) => (await ask(lab.origin, path)).status
const hash = async () =>
  createHash('sha256')
    .update(await lab.configuration())
    .digest('hex')

describe('a disk that is full', () => {
  it('leaves the last good file whole and running, and is caught up with when there is room', async () => {
    // what the last change was proved with takes room too, for a moment
    await expect.poll(() => readdir(small)).toEqual(['nginx.conf'])
    const filler = join(small, 'filler')
    const file = await open(filler, 'w')
    for (;;) if (!(await file.write(Buffer.alloc(512)).catch(() => null))) break
    await file.close()
    const before = await hash()
    for (let i = 0; i < 20; i++) await lab.put(`new-${i}`, shop.address)
    await expect
      .poll(async () => (await lab.record())?.failure, { timeout: 10_000 })
      .toMatch(/ENOSPC/)
    expect(await hash()).toBe(before)
    // it is tried again meanwhile, which has a candidate for a moment
    await expect.poll(() => readdir(small)).toEqual(['filler', 'nginx.conf'])
    for (let i = 0; i < 20; i++) expect(await status('/shop/')).toBe(200)
    await rm(filler)
    await expect.poll(() => status('/new-19/'), { timeout: 10_000 }).toBe(200)
    await expect.poll(async () => (await lab.record())?.failure).toBeUndefined()
    await expect.poll(() => readdir(small)).toEqual(['nginx.conf'])
  })
})
