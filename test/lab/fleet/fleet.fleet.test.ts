import { connect } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ask, askUntil } from '../../system/client.ts'
import { appContainers } from '../containers.ts'
import { APP_IMAGE } from '../image.ts'
import { currentRun } from '../run.ts'
import { traces } from '../traces.ts'
import type { LabFleet, LabHost } from './fleet.ts'
import { startFleet } from './start-fleet.ts'

let fleet: LabFleet
let before: string[]
beforeAll(async () => {
  before = await traces(currentRun())
  fleet = await startFleet({ secure: true, clients: 1, disk: 600 })
})
afterAll(() => fleet?.stop())

/** What becomes of a new connection: where packets are dropped there is silence, a closed port refuses. */
function knock(url: string): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), timeout: 1_000 })
    const end = (how: string) => () => {
      socket.destroy()
      resolve(how)
    }
    socket.once('connect', end('open'))
    socket.once('timeout', end('silent'))
    socket.once('error', end('refused'))
  })
}

/** The same, from another machine. */
async function knockFrom(machine: string, url: string): Promise<string> {
  const words = ['-s', '-o', '/dev/null', '--connect-timeout', '1', url]
  const code = await fleet.machine(machine).exec('sh', '-c', 'curl "$@" || echo $?', 'sh', ...words)
  return code === '28\n' ? 'silent' : code === '' ? 'open' : `curl ends with ${code}`
}

async function holders(): Promise<LabHost[]> {
  const found = await Promise.all(
    fleet.hosts.map(async (host) => {
      const containers = await appContainers(host.docker)
      return containers.length > 0 ? [host] : []
    }),
  )
  return found.flat()
}

it('wakes an app through one gateway, on one host, and answers through every gateway', async () => {
  await fleet.add({ name: 'shop', image: APP_IMAGE, env: { NAME: 'shop' }, health: 'http:/health' })
  for (const { origin } of fleet.gateways) {
    const answer = await ask(origin, '/shop/')
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.text)).toMatchObject({ app: 'shop' })
  }
  expect(await holders()).toHaveLength(1)
  const url = `${fleet.gateways[0]?.origin}/shop/`
  expect(await fleet.machine('c1').exec('curl', '-sf', url)).toContain('"app":"shop"')
})

it('cuts a machine off in silence, from all or from one, also over a reboot', async () => {
  const g1 = fleet.gateways[0]?.origin ?? ''
  const isCut = async () => [await knock(g1), await knockFrom('c1', g1)]
  expect(await isCut()).toEqual(['open', 'open'])
  await fleet.partition('g1')
  expect(await isCut()).toEqual(['silent', 'silent'])
  await fleet.heal('g1')
  expect(await isCut()).toEqual(['open', 'open'])
  await fleet.partition('g1', 'c1')
  expect(await isCut()).toEqual(['open', 'silent'])
  await fleet.heal('c1')
  await fleet.partition('cl', 'g1')
  await fleet.machine('g1').reboot()
  expect(await isCut()).toEqual(['silent', 'open'])
  await fleet.heal()
  await fleet.lose('g1', 1)
  expect(await isCut()).toEqual(['silent', 'silent'])
  await fleet.heal()
  expect(await isCut()).toEqual(['open', 'open'])
})

it('takes the power from a host, whose disk is there at the next boot', async () => {
  const [host] = await holders()
  if (!host) throw new Error('no host has the app')
  const boot = () => host.exec('cat', '/proc/sys/kernel/random/boot_id')
  const first = await boot()
  const images = async () => (await host.docker.listImages()).map(({ Id }) => Id).sort()
  const kept = await images()
  await host.crash()
  expect([...host.processes.values()].filter(({ isRunning }) => isRunning)).toEqual([])
  await expect(boot()).rejects.toThrow('off')
  await host.reboot()
  expect(await boot()).not.toBe(first)
  // the app itself may run by now, there or elsewhere: it was in use
  expect(kept.length).toBeGreaterThan(0)
  expect(await images()).toEqual(kept)
  // it may be told to come again: an app that ends right after its start has a moment to wait
  const isWell = ({ status }: { status: number }) => status === 200
  const answer = await askUntil(fleet.gateways[1]?.origin ?? '', '/shop/', isWell, 30)
  expect([answer?.status, answer?.text]).toEqual([200, expect.stringContaining('shop')])
})

it('does to a program what it is told, and to no other', async () => {
  const [member] = fleet.members
  if (!member) throw new Error('there is no member')
  const answers = () =>
    member.exec('curl', '-s', '-m', '1', `${member.url}/health`).then(
      () => true,
      ({ code }: { code: number }) => code !== 28 && code !== 7,
    )
  expect(await answers()).toBe(true)
  await member.etcd.pause()
  expect(await answers()).toBe(false)
  await member.etcd.resume()
  await expect.poll(answers).toBe(true)
  await member.etcd.kill()
  expect([member.etcd.isRunning, await answers()]).toEqual([false, false])
  expect((await fleet.etcd.list('/services/apps/')).entries).toHaveLength(1)
  await member.etcd.start()
  await expect.poll(answers).toBe(true)
  await expect(member.wipe()).rejects.toThrow('runs')
})

it('fills the disk of a host', async () => {
  const [host] = fleet.hosts
  const write = () => host?.exec('cp', '/etc/hostname', `${host.folder}/disk/`)
  await host?.fillDisk()
  await expect(write()).rejects.toThrow('No space left')
  await host?.freeDisk()
  await write()
})

it('leaves nothing', async () => {
  expect(await traces(currentRun())).not.toEqual(before)
  await fleet.stop()
  expect(await traces(currentRun())).toEqual(before)
})
