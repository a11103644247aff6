import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { ask } from '../system/client.ts'
import { type Backend, startBackend } from '../templates/backend.ts'
import { TEMPLATE } from '../templates/gateway.ts'
import { door, revisionOf } from './door.ts'
import { type LabController, startControllerLab } from './gateway.ts'
import { appOf } from './live-lab.ts'

vi.hoisted(() => {
  process.env.REVEILLE_TEST_LIVE = 'on'
})

const COUNT = 500
const STEP = 'if not line then routes:delete(name) end'

let lab: LabController
let [shop, docs] = [] as unknown as [Backend, Backend]

// A door at which a worker is frozen for 8 s where a line is of this app, and is in nobody's way after one.
beforeAll(async () => {
  ;[shop, docs] = await Promise.all([startBackend('shop'), startBackend('docs')])
  lab = await startControllerLab(async (folder) => {
    const template = join(folder, 'frozen.njk')
    const text = await readFile(TEMPLATE, 'utf8')
    const freeze = `if name == 'frozen' then os.execute('sleep 8') end ${STEP}`
    const lua = `plan.lua | replace("${STEP}", "${freeze}") | replace("STAY = 10", "STAY = 1")`
    await writeFile(template, text.replace('{{ plan.lua }}', `{{ ${lua} }}`))
    return { template }
  })
  await lab.stopController()
})
afterAll(async () => {
  await lab.stop()
  await Promise.all([shop.stop(), docs.stop()])
})

const push = (after: string, address: string, more = '') => {
  const names = Array.from({ length: COUNT }, (_, i) => `app-${i}`)
  const lines = [...names, ...(more ? [more] : [])].map(
    (name) => `${name}\tn\t1\t5\t\t${address}*1\n`,
  )
  return door(lab, 'PUT', '/table', `reveille table 1 * ${after}\n${lines.join('')}`)
}

it('a push whose worker is frozen in the middle puts no line over those of a later one', async () => {
  expect((await push('a0', docs.address)).status).toBe(200)
  const late = push('b0', shop.address, 'frozen')
  // Who asks the worker that is frozen waits, so it is asked again.
  const look = () => Promise.race([revisionOf(lab), setTimeout(200, 'late')])
  await expect.poll(look, { timeout: 10_000, interval: 20 }).toBe('none')
  // It waits for the one that is frozen.
  expect(await push('c0', docs.address)).toEqual({ status: 200, text: 'c0' })
  expect((await late).status).toBe(503)
  const asked = Array.from({ length: COUNT }, (_, i) => i)
  const found = await Promise.all(
    asked.map(async (i) => appOf(await ask(lab.origin, `/app-${i}/`))),
  )
  expect(new Set(found)).toEqual(new Set(['docs']))
  // It may have been frozen right before it put a line: whoever looks is to push everything again.
  expect(await revisionOf(lab)).toBe('none')
}, 60_000)
