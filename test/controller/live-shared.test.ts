import { readFile, writeFile } from 'node:fs/promises'
import { describe, expect, it, vi } from 'vitest'
import { ask } from '../system/client.ts'
import { openLiveLab, soon } from './live-lab.ts'

vi.hoisted(() => {
  process.env.REVEILLE_TEST_LIVE = 'on'
})

// A template of somebody's own, as it was made of one of an older release: the memory that it makes has other names.
const { lab, appAt } = await openLiveLab((template) => `{# mine #}${template}`)
const { template } = lab.settings
const good = await readFile(template, 'utf8')

describe('a template without a memory that nginx needs', () => {
  it.each(['reveille_routes', 'reveille_state', 'reveille_in_flight', 'reveille_failed'])(
    '%s is refused in words that say so, and the last good configuration stays',
    async (name) => {
      const before = await lab.configuration()
      await writeFile(
        template,
        good.replace(`lua_shared_dict ${name} `, 'lua_shared_dict older_one '),
      )
      await soon(async () => (await lab.record())?.failure ?? '').toContain(
        `template: it lacks \`lua_shared_dict ${name}\``,
      )
      expect(await lab.configuration()).toBe(before)
      expect(await appAt('/shop/')).toBe('shop')
      expect((await ask(lab.origin, '/_reveille/generation')).status).toBe(200)
      await writeFile(template, good)
      await soon(async () => (await lab.record())?.failure).toBeUndefined()
      expect(await appAt('/shop/')).toBe('shop')
    },
    40_000,
  )
})
