import { afterAll, beforeAll, expect, it } from 'vitest'
import { appContainers } from '../../lab/containers.ts'
import type { LabFleet } from '../../lab/fleet/fleet.ts'
import { startFleet } from '../../lab/fleet/start-fleet.ts'
import { APP_IMAGE } from '../../lab/image.ts'
import { ask } from '../../system/client.ts'

/** Within this a host that is reached again has given up what is not its own any more, milliseconds. */
const GIVEN_UP = 30_000

let fleet: LabFleet
beforeAll(async () => {
  fleet = await startFleet({ hosts: 2, members: 1, gateways: 1, launchers: 2, leaseTtl: 5 })
})
afterAll(() => fleet?.stop())

/** Where containers of the app are, by the engines' own sockets: `h1 running`. */
async function containers(app: string): Promise<string[]> {
  const lists = fleet.hosts.map(async ({ name, docker }) =>
    (await appContainers(docker, { app, all: true })).map(({ State }) => `${name} ${State}`),
  )
  return (await Promise.all(lists)).flat()
}

it('an instance whose host is cut off is served from another one, and only from there when the host is back', async () => {
  const origin = fleet.gateways[0]?.origin ?? ''
  await fleet.add({ name: 'solo', image: APP_IMAGE, stopTimeout: 2 })
  expect((await ask(origin, '/solo/')).status).toBe(200)
  const [first = ''] = (await containers('solo')).map((text) => text.split(' ')[0])
  const [other = ''] = fleet.hosts.map(({ name }) => name).filter((name) => name !== first)
  await fleet.partition(first)
  const endpoint = async () => (await fleet.etcd.get('/services/clusters/solo'))?.value ?? ''
  const { address } = fleet.machine(other)
  await expect
    .poll(
      async () => {
        await ask(origin, '/solo/', { timeout: 20_000 }).catch(() => null)
        return await endpoint()
      },
      { timeout: 40_000 },
    )
    .toContain(`${address}:`)
  expect((await ask(origin, '/solo/')).status).toBe(200)
  // Nobody could stop the one that is cut off.
  expect((await containers('solo')).sort()).toEqual(['h1 running', 'h2 running'])
  await fleet.heal()
  await expect.poll(() => containers('solo'), { timeout: GIVEN_UP }).toEqual([`${other} running`])
  expect(await endpoint()).toContain(`${address}:`)
  expect((await ask(origin, '/solo/')).status).toBe(200)
}, 150_000)
