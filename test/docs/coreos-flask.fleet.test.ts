import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { command } from '../lab/command.ts'
import type { LabFleet } from '../lab/fleet/fleet.ts'
import { startFleet } from '../lab/fleet/start-fleet.ts'
import { type LabRegistry, registryAddress, startRegistry } from '../lab/registry.ts'
import { ask } from '../system/client.ts'
import { type Block, blocksOf } from '../unit_files/fleet/page.ts'

const TOP = join(import.meta.dirname, '../..')
const EXAMPLE = join(TOP, 'examples/named-apps')
const all = blocksOf('from/coreos-flask.md')
/** The rest is for systemd (coreos-flask-systemd.lab.test.ts): the lab starts the same programs with the same settings. */
const blocks = all.filter(({ commands }) => !/^(?:systemctl|apt-get) /m.test(commands))

let fleet: LabFleet
let registry: LabRegistry
beforeAll(async () => {
  const address = await registryAddress()
  const launcher = { registries: `*,${address}`, available: join(EXAMPLE, 'available.mjs') }
  fleet = await startFleet({ members: 1, settings: { launcher }, images: async () => [] })
  registry = await startRegistry(address)
}, 180_000)
afterAll(async () => {
  await registry?.stop()
  await fleet?.stop()
})

/** What stands on the page for what this fleet has elsewhere. No image comes from the internet here, so the lab makes it. */
function here(line: string, engine: string): string {
  const [g1, g2] = fleet.gateways
  return line
    .replace(/^docker build -t (\S+) \S+$/m, `bash ${EXAMPLE}/image.sh ${engine} $1`)
    .replaceAll('10.93.0.11:5000', registry.address)
    .replaceAll('http://10.93.0.11/', `${g1?.origin}/`)
    .replaceAll('http://10.93.0.12/', `${g2?.origin}/`)
    .replaceAll('. /etc/reveille/etcdctl.env', ':')
}

/** Types a block on the machine that stands for the page's. Returns what it wrote. */
async function type({ commands, machines }: Block): Promise<string> {
  const written: string[] = []
  for (const machine of machines) {
    const engine = fleet.hosts[['one', 'two', 'three'].indexOf(machine)]?.socket ?? ''
    const variables = {
      ...fleet.etcdctl,
      DOCKER_HOST: engine,
      REVEILLE_API: fleet.launchers[0]?.origin ?? '',
      REVEILLE_TOKEN: fleet.token,
      REVEILLE_GATEWAY: fleet.gateways[0]?.origin ?? '',
    }
    const settings = Object.entries(variables).map(([name, value]) => `${name}=${value}`)
    const reveille = `reveille() { '${process.execPath}' '${TOP}/dist/cli/main.js' "$@"; }`
    const script = `set -e\n${reveille}\n${here(commands, engine)}`
    written.push(await command('env', ...settings, 'bash', '-c', script))
  }
  return written.join('')
}

/** Types the block that has `first` in it, which must be there. */
async function typed(first: string): Promise<string> {
  const block = blocks.find(({ commands }) => commands.includes(first))
  if (!block) throw new Error(`the page has no block with ${first}`)
  return type(block)
}

it('builds the image, pushes it, and every host pulls it', async () => {
  expect(await typed('docker build')).toContain('digest: sha256:')
  await typed('docker pull')
  for (const { docker } of fleet.hosts)
    expect(await docker.getImage(`${registry.address}/flask:1`).inspect()).toMatchObject({})
})

it('A, B and C are answered by their first requests, with and without a path', async () => {
  expect(await typed('for name in A B C')).toContain('A is there')
  const lines = (await typed('/A/name')).trim().split('\n')
  const names = ['A', 'B', 'C'].flatMap((name) => [
    `This is ${name}. It tells its name at /${name}/name`,
    name,
  ])
  expect(lines).toEqual(names)
})

it('D is made by its first request, and is known at the other gateway', async () => {
  const lines = (await typed('blueprint add letters')).trim().split('\n')
  expect(lines.slice(1)).toEqual(['This is D. It tells its name at /D/name', 'D'])
})

it('what the hook refuses and what nobody knows is 404 at both gateways, and leaves no trace', async () => {
  expect(await typed('/other/')).toBe('404\n'.repeat(4))
  const keys = (await fleet.etcd.list('/services/')).entries.map(({ key }) => key)
  expect(keys.filter((key) => /\/(?:O|other)(?:\/|$)/i.test(key))).toEqual([])
})

it('etcd says where they are, on at least two hosts, and where both launchers are', async () => {
  const text = await typed('etcdctl get /services/clusters/A')
  const hosts = fleet.hosts.map(({ address }) => address)
  const values = [...text.matchAll(/^\/services\/clusters\/[ABC]\n(.*):\d+$/gm)].map(([, at]) => at)
  expect(values).toHaveLength(3)
  for (const value of values) expect(hosts).toContain(value)
  expect(new Set(values).size).toBeGreaterThanOrEqual(2)
  for (const { name, address } of fleet.launchers)
    expect(text).toContain(`/services/launchers/${name}\n${address}:8090\n`)
})

it('one launcher is enough for both gateways', async () => {
  await fleet.launchers[0]?.launcher.kill()
  for (const { origin } of fleet.gateways) {
    const name = origin === fleet.gateways[0]?.origin ? 'X' : 'Y'
    expect(await ask(origin, `/${name}/name`)).toMatchObject({ status: 200, text: `${name}\n` })
  }
}, 60_000)

it('typed the whole page but what is for systemd', () => {
  expect(all.length - blocks.length).toBe(6)
  expect(blocks).toHaveLength(7)
})
