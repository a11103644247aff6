import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../system/client.ts'
import { type Backend, startBackend } from '../templates/backend.ts'
import { TEMPLATE } from '../templates/gateway.ts'
import { type LabController, startControllerLab } from './gateway.ts'

const soon = <T>(look: () => T) => expect.poll(look, { timeout: 15_000, interval: 50 })
let lab: LabController
let shop: Backend

/** What the commands wrote when they ran. */
const lines = async (name: string) =>
  (await readFile(join(lab.folder, name), 'utf8')).trim().split('\n')
const status = async (path: string) => (await ask(lab.origin, path)).status

beforeAll(async () => {
  shop = await startBackend('shop')
  lab = await startControllerLab(async (folder) => {
    const template = join(folder, 'own.conf.njk')
    const generation = 'return 200 "{{ plan.generation }}"'
    const original = await readFile(TEMPLATE, 'utf8')
    expect(original).toContain(generation)
    await writeFile(template, original.replace(generation, 'return 404'))
    const check = `echo "$1" >> ${folder}/checked
      if [ -e ${folder}/no ]; then echo "error: the check says no" >&2; exit 3; fi`
    const reload = `cat ${folder}/nginx.conf | grep -c 'upstream "app_' >> ${folder}/reloaded
      [ ! -s ${folder}/nginx/nginx.pid ] || kill -HUP "$(cat ${folder}/nginx/nginx.pid)"`
    await writeFile(join(folder, 'check.sh'), check)
    await writeFile(join(folder, 'reload.sh'), reload)
    return {
      template,
      checkCmd: `sh ${folder}/check.sh {{candidate}}`,
      reloadCmd: `sh ${folder}/reload.sh`,
      confirm: 'off',
    }
  })
})
afterAll(async () => {
  await lab.stop()
  await shop.stop()
})

describe('an operator with commands of their own, and a proxy that tells no generation', () => {
  it('has each candidate checked and each new file read', async () => {
    await lab.put('shop', shop.address)
    await soon(() => status('/shop/')).toBe(200)
    expect(await status('/_reveille/generation')).toBe(404)
    expect(new Set(await lines('checked'))).toEqual(new Set([`${lab.file}.candidate`]))
    expect((await lines('reloaded')).at(-1)).toBe('1')
  })

  it('keeps the running file while the check fails, and reloads nothing', async () => {
    const [file, reloads] = [await lab.configuration(), (await lines('reloaded')).length]
    await writeFile(join(lab.folder, 'no'), '')
    await lab.put('docs', shop.address)
    await soon(async () => (await lab.record())?.failure).toMatch(/the check says no/)
    expect(await lab.configuration()).toBe(file)
    expect(await status('/shop/')).toBe(200)
    expect(await status('/docs/')).toBe(503)
    expect(await lines('reloaded')).toHaveLength(reloads)
    await rm(join(lab.folder, 'no'))
    await soon(() => status('/docs/')).toBe(200)
    await soon(async () => (await lab.record())?.failure).toBeUndefined()
  })
})
