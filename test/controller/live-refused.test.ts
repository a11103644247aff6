import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { revisionOf } from './door.ts'
import { openLiveLab, soon } from './live-lab.ts'

vi.hoisted(() => {
  process.env.REVEILLE_TEST_LIVE = 'on'
})

// A door with a rule of its own, so that the controller makes a line that it does not take: no app may have three instances.
const { lab, shop, appAt } = await openLiveLab((template) =>
  template.replace('{{ plan.lua }}', '{{ plan.lua | replace("#peers > 100", "#peers > 2") }}'),
)

/** where nobody is */
const other = (i: number) => shop.address.replace('127.0.0.1', `127.0.0.${i}`)
const rejected = async () => (await lab.record())?.rejected ?? []
const told = () => lab.lines.filter(({ key }) => key === '/services/clusters/many')

describe('an app whose line nginx does not take', () => {
  it('is told by its name, is the launchers’, and costs no other app anything', async () => {
    await lab.put('many', shop.address)
    await lab.put('many/1', other(2))
    await soon(() => appAt('/many/')).toBe('shop')
    const [applied] = await Promise.all([
      lab.put('many/2', other(3)),
      ...[1, 2, 3].map((i) => lab.put(`good-${i}`, shop.address)),
    ])
    for (const i of [1, 2, 3]) await soon(() => appAt(`/good-${i}/`)).toBe('shop')
    await soon(rejected).toEqual([
      { key: '/services/clusters/many', reason: expect.stringMatching(/launchers lead to it/) },
    ])
    await soon(() => appAt('/many/')).toBe(503)
    await soon(async () => Number((await lab.record())?.applied)).toBeGreaterThanOrEqual(
      Number(applied),
    )
    expect((await lab.record())?.failure).toBeUndefined()
    // It is not tried again and again.
    const before = await revisionOf(lab)
    await lab.put('after', shop.address)
    await soon(() => appAt('/after/')).toBe('shop')
    expect(await revisionOf(lab)).not.toBe(before)
    expect(told()).toHaveLength(1)
  })

  it('is refused anew by a controller that was started again, whose table is the same after that', async () => {
    await soon(() => readFile(join(lab.folder, 'nginx/table'), 'utf8')).toContain('after\t')
    const before = await revisionOf(lab)
    await lab.stopController()
    await lab.startController()
    await soon(() => told().length).toBe(2)
    await soon(() => revisionOf(lab)).toBe(before)
    await soon(rejected).toHaveLength(1)
    for (const name of ['good-1', 'after']) expect(await appAt(`/${name}/`)).toBe('shop')
  })

  it('is there as soon as its line is one', async () => {
    await lab.store.remove('/services/clusters/many/1')
    await soon(() => appAt('/many/')).toBe('shop')
    await soon(rejected).toEqual([])
  })
})
