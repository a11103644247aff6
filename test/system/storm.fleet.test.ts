import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { appContainers } from '../lab/containers.ts'
import type { LabFleet } from '../lab/fleet/fleet.ts'
import { startFleet } from '../lab/fleet/start-fleet.ts'
import { HELLO_IMAGE } from '../lab/image.ts'
import { ask } from './client.ts'

const names = Array.from({ length: 36 }, (_, index) => `storm-${index}`)

let fleet: LabFleet
beforeAll(async () => {
  fleet = await startFleet()
  for (const name of names)
    await fleet.add({ name, image: HELLO_IMAGE, idleAfter: '1h', limits: { memory: '64m' } })
})
afterAll(() => fleet?.stop())

/** Asks for all of them at once, the gateways in turn. Returns them in the order in which they answered. */
async function storm(): Promise<string[]> {
  const order: string[] = []
  const answers = await Promise.all(
    names.map(async (name, index) => {
      const { origin } = fleet.gateways[index % fleet.gateways.length] ?? {}
      const { status, text } = await ask(origin ?? '', `/${name}/`)
      order.push(name)
      return status === 200 ? null : `${name} ${status} ${text}`
    }),
  )
  expect(answers.filter((answer) => answer !== null)).toEqual([])
  return order
}

/** Names of the apps' containers that run, by host. */
async function running(): Promise<string[][]> {
  const lists = fleet.hosts.map(async ({ docker }) => {
    const containers = await appContainers(docker)
    return containers.map(({ Labels }) => Labels['reveille.app'] ?? '').sort()
  })
  return await Promise.all(lists)
}

/** The average place of `who` in an order; 0 is first. */
function place(order: readonly string[], who: readonly string[]): number {
  return who.reduce((sum, name) => sum + order.indexOf(name), 0) / who.length
}

describe('many apps that are asked for at once', () => {
  it('are all made and started, each once, on all hosts', async () => {
    await storm()
    const hosts = await running()
    expect(hosts.flat().sort()).toEqual([...names].sort())
    for (const host of hosts) expect(host.length).toBeGreaterThan(0)
  })

  it('are all woken, each once, who asked first mostly first', async () => {
    for (let first = 0; first < names.length; first += 4) {
      const sleeps = names.slice(first, first + 4).map(async (name) => {
        const answer = await fleet.launchers[0]?.api('POST', `/v1/apps/${name}/sleep`)
        expect(answer?.status, answer?.text).toBe(200)
      })
      await Promise.all(sleeps)
    }
    expect((await running()).flat()).toEqual([])
    const order = await storm()
    // mostly where they were: an engine that is too busy to answer within a second is left out
    expect((await running()).flat().sort()).toEqual([...names].sort())
    const half = names.length / 2
    expect(place(order, names.slice(0, half))).toBeLessThan(place(order, names.slice(half)))
  })
})
