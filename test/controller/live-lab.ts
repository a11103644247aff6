import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, vi } from 'vitest'
import { childrenOf } from '../lab/process-table.ts'
import { type Answer, ask } from '../system/client.ts'
import { type Backend, startBackend } from '../templates/backend.ts'
import { TEMPLATE } from '../templates/gateway.ts'
import { type LabController, startControllerLab } from './gateway.ts'

/** A gateway with a live table, where `REVEILLE_TEST_LIVE` says so, and two apps; `shop` is routed. */
export interface LiveLab {
  lab: LabController
  shop: Backend
  docs: Backend
  /** the app that answers, else the status */
  appAt(path: string): Promise<string | number>
  /** pids of nginx's workers, ascending */
  workers(): Promise<number[]>
}

export const soon = <T>(look: () => T) => expect.poll(look, { timeout: 15_000, interval: 50 })

export const appOf = ({ status, text }: Answer): string | number =>
  status === 200 ? (JSON.parse(text) as { app: string }).app : status

/** Opens one for the tests of a file, and closes it after them. `edit`: what its template is instead of ours. */
export async function openLiveLab(edit?: (template: string) => string): Promise<LiveLab> {
  const edited = async (folder: string) => {
    if (!edit) return {}
    const template = join(folder, 'edited.njk')
    await writeFile(template, edit(await readFile(TEMPLATE, 'utf8')))
    return { template }
  }
  const [lab, shop, docs] = await Promise.all([
    startControllerLab(edited),
    startBackend('shop'),
    startBackend('docs'),
  ])
  afterAll(async () => {
    await lab.stop()
    await Promise.all([shop.stop(), docs.stop()])
  })
  const workers = () => childrenOf(lab.nginx.pid)
  const appAt = async (path: string) => appOf(await ask(lab.origin, path))
  await lab.put('shop', shop.address)
  await vi.waitFor(async () => expect(await appAt('/shop/')).toBe('shop'), 10_000)
  return { lab, shop, docs, appAt, workers }
}
