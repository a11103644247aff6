import { expect, vi } from 'vitest'
import { type Answer, ask } from '../system/client.ts'
import { type Backend, startBackend } from '../templates/backend.ts'
import { type LabController, startControllerLab } from './gateway.ts'

/** A gateway with a live table, where `REVEILLE_TEST_LIVE` says so, and two apps; `shop` is routed. */
export interface LiveLab {
  lab: LabController
  shop: Backend
  docs: Backend
  /** the app that answers, else the status */
  appAt(path: string): Promise<string | number>
  stop(): Promise<void>
}

export const soon = <T>(look: () => T) => expect.poll(look, { timeout: 15_000, interval: 50 })

export const appOf = ({ status, text }: Answer): string | number =>
  status === 200 ? (JSON.parse(text) as { app: string }).app : status

export async function startLiveLab(): Promise<LiveLab> {
  const [lab, shop, docs] = await Promise.all([
    startControllerLab(),
    startBackend('shop'),
    startBackend('docs'),
  ])
  const appAt = async (path: string) => appOf(await ask(lab.origin, path))
  await lab.put('shop', shop.address)
  await vi.waitFor(async () => expect(await appAt('/shop/')).toBe('shop'), 10_000)
  const stop = async () => {
    await lab.stop()
    await Promise.all([shop.stop(), docs.stop()])
  }
  return { lab, shop, docs, appAt, stop }
}
