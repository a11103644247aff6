import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { command } from '../lab/command.ts'
import { type Part, startPart } from '../lab/part.ts'
import { insideOf, startMachine } from './machine.ts'

const TOP = join(import.meta.dirname, '../..')
const blocks = [...readFileSync(join(TOP, 'README.md'), 'utf8').matchAll(/```\n([^]*?)```/g)].map(
  (match) => (match[1] ?? '').trim().split('\n'),
)

/** The commands of the block that begins with `first`, without their remarks. */
function block(first: string): string[] {
  const lines = blocks.find(([line]) => line?.startsWith(first)) ?? []
  return lines.map((line) => line.replace(/\s+# .*$/, ''))
}

let machine: Part
let demo: Part

/** Runs a line of the README as a reader would: in a shell, in the project's folder. */
function read(line: string): Promise<string> {
  const [file = '', ...args] = insideOf(machine)
  return command(file, ...args, 'sh', '-c', `cd '${TOP}' && ${line}`)
}

beforeAll(async () => {
  machine = await startMachine()
  const [file = '', ...args] = insideOf(machine)
  const [start = 'false'] = block('npm start')
  demo = await startPart(file, [...args, 'sh', '-c', `cd '${TOP}' && exec ${start}`])
  await demo.until(async () => demo.output.includes('Ctrl-C ends'), 90_000)
}, 120_000)
afterAll(async () => {
  await demo?.end(20_000)
  await machine?.kill()
}, 60_000)

describe('the README, read literally', () => {
  it('what to try after npm start works', async () => {
    const lines = block('curl localhost:8080/A/')
    expect(lines.length).toBeGreaterThan(5)
    const said = new Map<string, string>()
    for (const line of lines) said.set(line, await read(line.replace('curl', 'curl -sSf')))
    expect(said.get('curl localhost:8080/A/name')).toContain('"name":"A"')
    expect(said.get('curl localhost:8080/F/')).toContain('F')
    expect(said.get('etcdctl get /services/clusters/A')).toMatch(/^172\.17\.0\.1:\d+$/m)
    const apps = said.get('npx reveille app ls')
    for (const line of [/^A +ready/m, /^B +asleep/m]) expect(apps).toMatch(line)
    expect(said.get('npx reveille ps')).toMatch(/^A +1\/1 +0 +ready/m)
    expect(said.get('npx reveille wake B')).toContain('B is ready at http://127.0.0.1:8080/B/')
  }, 60_000)

  it('an app and a blueprint are added as it says', async () => {
    const [add] = block('npx reveille app add')
    const [blueprint] = block('npx reveille blueprint add')
    expect(await read(add ?? 'false')).toContain('shop')
    expect(await read(blueprint ?? 'false')).toContain('customers')
    const shop = JSON.parse(await read('npx reveille app show shop --json'))
    expect(shop).toMatchObject({ name: 'shop', port: 3000, idleAfter: 900 })
    const woken = await read('curl -s localhost:8080/customer-1/')
    expect(JSON.parse(woken).detail).toContain('image shop:3 is not in the engine')
  }, 60_000)

  it('Ctrl-C ends everything and leaves nothing behind', async () => {
    process.kill(-demo.pid, 'SIGINT')
    await demo.gone
    const root = `/proc/${machine.pid}/root`
    for (const folder of ['/run/reveille', '/var/lib/reveille'])
      expect(existsSync(root + folder), folder).toBe(false)
  }, 60_000)
})
