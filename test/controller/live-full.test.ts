import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { ask } from '../system/client.ts'
import { type Backend, startBackend } from '../templates/backend.ts'
import { TEMPLATE } from '../templates/gateway.ts'
import { revisionOf } from './door.ts'
import { type LabController, startControllerLab } from './gateway.ts'
import { appOf, soon } from './live-lab.ts'

vi.hoisted(() => {
  process.env.REVEILLE_TEST_LIVE = 'on'
})

const COUNT = 300
const name = (i: number) => `app-${String(i).padStart(3, '0')}`

let lab: LabController
let one: Backend
let two: Backend

beforeAll(async () => {
  ;[one, two] = await Promise.all([startBackend('one'), startBackend('two')])
  lab = await startControllerLab(async (folder) => {
    const template = join(folder, 'small.njk')
    const text = await readFile(TEMPLATE, 'utf8')
    await writeFile(template, text.replace('reveille_routes 64m', 'reveille_routes 32k'))
    return { template }
  })
})
afterAll(async () => {
  await lab.stop()
  await Promise.all([one.stop(), two.stop()])
})

const appAt = async (path: string) => appOf(await ask(lab.origin, path))
const everywhere = () => Promise.all(Array.from({ length: COUNT }, (_, i) => appAt(`/${name(i)}/`)))

describe('a table that has no room for all apps', () => {
  it('leads to those that it has, and never to where one was: the others are the launchers’', async () => {
    await Promise.all(Array.from({ length: COUNT }, (_, i) => lab.put(name(i), one.address)))
    await soon(async () => (await lab.record())?.failure ?? '').toMatch(/launchers lead to them/)
    const before = await everywhere()
    expect(new Set(before)).toEqual(new Set(['one', 503]))
    expect(await revisionOf(lab)).toBe('none')

    const fit = before.flatMap((app, i) => (app === 'one' ? [i] : []))
    const [moved = 0, gone = 0] = fit
    await lab.store.remove(`/services/clusters/${name(gone)}`)
    await lab.put(name(moved), two.address)
    await soon(async () => [
      await appAt(`/${name(gone)}/`),
      await appAt(`/${name(moved)}/`),
    ]).not.toContain('one')
    for (const [i, app] of (await everywhere()).entries())
      expect(i === gone ? [503] : i === moved ? ['two', 503] : ['one', 503]).toContain(app)

    for (let i = 40; i < COUNT; i++) await lab.store.remove(`/services/clusters/${name(i)}`)
    const left = Array.from({ length: 40 }, (_, i) => i).filter((i) => i !== gone)
    const found = async () => (await everywhere()).flatMap((app, i) => (app === 503 ? [] : [i]))
    await soon(found).toEqual(left)
    await soon(async () => (await lab.record())?.failure).toBeUndefined()
  })
})
