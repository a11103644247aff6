import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { appContainers } from '../lab/containers.ts'
import type { LabFleet, LabHost } from '../lab/fleet/fleet.ts'
import { startFleet } from '../lab/fleet/start-fleet.ts'
import { type Answer, ask } from './client.ts'

const images = async (engine: string): Promise<string[]> => {
  const script = join(import.meta.dirname, '../../examples/group/images.sh')
  await promisify(execFile)('bash', [script, engine])
  return ['reveille/example-db:1', 'reveille/example-shop:1']
}

let fleet: LabFleet
beforeAll(async () => {
  fleet = await startFleet({ hosts: 2, members: 1, gateways: 1, images })
  await fleet.add({
    ...{ name: 'shop-db', image: 'reveille/example-db:1', port: 5432, health: 'tcp' },
    ...{ route: 'none', group: 'shop', volumes: ['data:/data'] },
  })
  await fleet.add({
    ...{ name: 'shop', image: 'reveille/example-shop:1', env: { DB: 'shop-db:5432' } },
    ...{ group: 'shop', dependsOn: ['shop-db'] },
  })
}, 180_000)
afterAll(() => fleet?.stop())

const shop = (): Promise<Answer> => ask(fleet.gateways[0]?.origin ?? '', '/shop/')
/** Everything of ours on a host, running or not. */
const on = async ({ docker }: LabHost): Promise<string[]> => {
  const found = await appContainers(docker, { all: true })
  return found.flatMap(({ Names }) => Names).sort()
}
const members = ['/reveille-shop-0', '/reveille-shop-db-0']

it('a group lives on one host, and its data stays there while that is away', async () => {
  expect(await shop()).toMatchObject({ status: 200, text: 'visit 1\n' })
  const all = await Promise.all(fleet.hosts.map(on))
  expect(all.toSorted((a, b) => a.length - b.length)).toEqual([[], members])
  const home = fleet.hosts[all.findIndex(({ length }) => length > 0)] as LabHost
  const other = fleet.hosts.find((host) => host !== home) as LabHost

  await home.crash()
  const away = `they are on ${home.name}, which is away`
  await expect
    .poll(async () => (await shop().catch(() => null))?.text, { timeout: 90_000, interval: 500 })
    .toContain(away)
  expect(await on(other)).toEqual([])

  await home.reboot()
  await expect
    .poll(async () => (await shop().catch(() => null))?.text, { timeout: 90_000, interval: 500 })
    .toBe('visit 2\n')
  expect(await on(home)).toEqual(members)
  expect(await on(other)).toEqual([])
}, 240_000)
