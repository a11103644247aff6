import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { placesOf } from '../../cli/embedded/dockerd.ts'
import { command } from '../lab/command.ts'
import { temporaryFolder } from '../lab/folder.ts'
import type { Part } from '../lab/part.ts'
import { processTable } from '../lab/process-table.ts'
import {
  childOf,
  descendants,
  flagsFor,
  type Household,
  living,
  startHousehold,
} from './household.ts'
import { insideOf, startMachine } from './machine.ts'

// `reveille up --demo` on a machine whose Docker does not run: it starts an engine of its own. The machine is a
// network and a mount namespace with /run, /etc and /var/lib of its own: other engines of the machine the tests run on come
// and go, and so do their bridges, rules and folders.

let machine: Part
let home: Household
let before: Record<string, unknown>

const inside = (): string[] => insideOf(machine)
const run = (...words: string[]): Promise<string> => {
  const [file = '', ...args] = [...inside(), ...words]
  return command(file, ...args)
}
const start = async (): Promise<Household> =>
  startHousehold([...(await flagsFor(await temporaryFolder())), '--demo'], inside())

/** Asks from the machine itself, for at most 10 s. */
function get(path: string): Promise<string> {
  const retry = [
    '--retry',
    '20',
    '--retry-delay',
    '1',
    '--retry-all-errors',
    '--retry-max-time',
    '9',
  ]
  return run('curl', '-sSf', '--max-time', '10', ...retry, home.origin + path)
}

async function nameOf(app: string): Promise<{ name: string; host: string; answered: number }> {
  return JSON.parse(await get(`/${app}/name`)) as { name: string; host: string; answered: number }
}

const names = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder).sort() : [])
/** What is in a folder of the machine. */
const namesInside = (folder: string): string[] => names(`/proc/${machine.pid}/root${folder}`)

/** The cgroups of a household's engine, which are those of all machines. */
const cgroupsOf = ({ stateDir, runDir }: Household): string[] =>
  ['/sys/fs/cgroup', ...names('/sys/fs/cgroup').map((name) => `/sys/fs/cgroup/${name}`)]
    .map((top) => top + placesOf(stateDir, runDir).cgroup)
    .filter((folder) => existsSync(folder))

/** What an engine could leave on a machine. */
async function traces(): Promise<Record<string, unknown>> {
  const rules = (await run('iptables-save')).split('\n')
  return {
    links: (await run('ip', '-brief', 'link')).split('\n').map((line) => line.split(' ')[0]),
    // tables and their own chains come into being by being looked at
    rules: rules.filter((line) => /^-A|^:.* (?!ACCEPT)\S+ /.test(line)),
    mounts: readFileSync(`/proc/${machine.pid}/mounts`, 'utf8'),
    forwarding: await run('cat', '/proc/sys/net/ipv4/ip_forward'),
    folders: ['/run/containerd', '/run/docker', '/etc/docker', '/var/lib/docker'].map(namesInside),
  }
}

/** Processes that have something to do with a household, whoever their parent is. */
async function everyone(household: Household): Promise<number[]> {
  const own = await descendants(household.pid)
  const engines = (await processTable()).filter(({ pid, zombie }) => {
    if (zombie) return false
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${household.runDir}/engine`)
    } catch {
      return false
    }
  })
  return [...own, ...engines.map(({ pid }) => pid)]
}

beforeAll(async () => {
  machine = await startMachine()
  before = await traces()
  home = await start()
}, 90_000)

afterAll(async () => {
  await home?.part.end(30_000)
  await machine.kill()
}, 60_000)

describe('reveille up --demo with an engine of its own', () => {
  test('answers from a container that did not exist before', async () => {
    expect(home.part.output).toContain('Docker, started by up')
    expect(await nameOf('A')).toMatchObject({
      name: 'A',
      host: expect.stringMatching(/^[0-9a-f]{12}$/),
    })
    expect(await nameOf('demo-1')).toMatchObject({ name: 'demo-1' })
  })

  test.each([
    ['dockerd --config-file', 'demo-d'],
    ['containerd --config', 'demo-c'],
    ['embedded/dockerd-main', 'demo-k'],
  ])('kill -9 of %s: running apps go on, and cold ones wake within 10 s', async (part, cold) => {
    const { host } = await nameOf('A')
    process.kill(await childOf(home.pid, part), 'SIGKILL')
    expect((await nameOf('A')).host).toBe(host)
    const begun = performance.now()
    expect((await nameOf(cold)).name).toBe(cold)
    expect(performance.now() - begun).toBeLessThan(10_000)
    expect((await nameOf('A')).host).toBe(host)
  })

  test('SIGTERM ends everything and leaves the machine as it was', async () => {
    const pids = await everyone(home)
    expect(pids.length).toBeGreaterThan(10)
    process.kill(home.pid, 'SIGTERM')
    await home.part.gone
    expect(await living(pids)).toEqual([])
    expect(await traces()).toEqual(before)
    expect(cgroupsOf(home)).toEqual([])
    expect([home.runDir, home.stateDir].filter(existsSync)).toEqual([])
  })

  test('kill -9 of up leaves no process, and the engine cleans up after itself', async () => {
    home = await start()
    await nameOf('A')
    const pids = await everyone(home)
    process.kill(home.pid, 'SIGKILL')
    await expect.poll(() => living(pids), { timeout: 20_000 }).toEqual([])
    expect(await traces()).toEqual(before)
    expect(cgroupsOf(home)).toEqual([])
  }, 90_000)
})
