import { readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { ReplacedFile } from '../../adapters/files.ts'
import { openProxy } from '../../adapters/proxy.ts'
import { Apply } from '../../controller/apply.ts'
import type { GatewayPlanInput } from '../../controller/plan.ts'
import { quoteHaproxy } from '../../controller/quote.ts'
import { compile } from '../../controller/render.ts'
import { Runtime } from '../../controller/runtime.ts'
import { type LabHaproxy, startHaproxy } from '../lab/haproxy.ts'
import type { LabLauncher } from '../lab/launcher.ts'
import { processTable } from '../lab/process-table.ts'
import { ask } from '../system/client.ts'
import { startLoad } from '../system/load.ts'
import { type Backend, startBackend } from '../templates/backend.ts'
import { emptyPlan, openLauncher, TEMPLATE } from '../templates/gateway.ts'

vi.hoisted(() => {
  process.env.REVEILLE_TEST_PROXY = 'haproxy'
})

type Apps = GatewayPlanInput['apps']
let plan: GatewayPlanInput
let file: string
let proxy: LabHaproxy
let apply: Apply
let servers: Backend[]
let launcher: LabLauncher
let offer: (apps: Apps) => ReturnType<Apply['run']>
const failures: string[] = []
const app = (name: string, ...numbers: number[]) => ({
  name,
  endpoints: numbers.map((number) => servers[number]?.address ?? ''),
})
const workers = async () =>
  (await processTable()).filter((row) => row.parent === proxy.pid).map((row) => row.pid)
/** Who answers `path`, of so many requests. */
async function answering(path: string, asks = 30): Promise<string[]> {
  const names = new Set<string>()
  for (let i = 0; i < asks; i++) {
    const { status, text } = await ask(`http://${plan.listen}`, path)
    names.add(status === 200 ? (JSON.parse(text) as { app: string }).app : String(status))
  }
  return [...names].sort()
}

beforeAll(async () => {
  servers = await Promise.all([0, 1, 2, 3].map((number) => startBackend(`server-${number}`)))
  launcher = await openLauncher()
  plan = { ...(await emptyPlan()), launchers: [launcher.address] }
  const render = compile(await readFile(TEMPLATE, 'utf8'), quoteHaproxy)
  file = join(plan.folder, 'haproxy.cfg')
  const settings = { proxy: 'haproxy', checkCmd: '', reloadCmd: '' } as const
  const local = openProxy(settings, plan.folder, plan.listen)
  const { tell } = local
  if (!tell) throw new Error('HAProxy takes no commands')
  const onFailure = ({ message }: Error) => void failures.push(message)
  const runtime = new Runtime({ tell, onFailure })
  // Where a busy machine takes longer than it is given, a reload would do it.
  const patient: typeof local = {
    ...local,
    generation: async () => (await local.generation()) ?? (await local.generation()),
  }
  const files = new ReplacedFile(file, 0o644)
  apply = new Apply({ files, proxy: patient, runtime, confirm: true })
  offer = (apps) => apply.run((generation) => render({ ...plan, generation, apps }))
  await apply.start()
  await offer([app('shop', 0)])
  proxy = await startHaproxy(file)
})
afterAll(async () => {
  await proxy.stop()
  await Promise.all([...servers, launcher].map((part) => part.stop()))
  await rm(plan.folder, { recursive: true, force: true })
})

it('100 changes of servers under load: no reload, no request lost, nothing open is closed', async () => {
  const before = await workers()
  expect(before).toHaveLength(1)
  const socket = new WebSocket(`ws://${plan.listen}/shop/ws`)
  const messages: string[] = []
  socket.on('message', (data) => messages.push(String(data)))
  await expect.poll(() => messages.length).toBe(1)
  const { stop } = startLoad(`http://${plan.listen}`, '/shop/', 100)
  const results: string[] = []
  // Each time round, 14 servers come or go.
  const sets = [[0, 1], [2, 3], [0], [1, 2, 3]]
  for (let i = 0; i < 30; i++)
    results.push((await offer([app('shop', ...(sets[i % sets.length] ?? []))])).result)
  const { asked, failed, answered } = await stop()
  expect(new Set(results)).toEqual(new Set(['moved']))
  expect(failures).toEqual([])
  expect(failed).toEqual([])
  expect(asked).toBeGreaterThan(100)
  expect(answered.size).toBe(4)
  expect(await workers()).toEqual(before)
  socket.send('still here')
  await expect.poll(() => messages.at(-1)).toBe('still here')
  socket.close()
}, 240_000)

it('what answers is what the file says, now and after a restart', async () => {
  expect((await offer([app('shop', 1, 3)])).result).toBe('moved')
  const now = await answering('/shop/')
  expect(now).toEqual(['server-1', 'server-3'])
  expect((await ask(`http://${plan.listen}`, '/_reveille/generation')).text).toBe(
    String(apply.generation),
  )
  await proxy.stop()
  proxy = await startHaproxy(file)
  expect(await answering('/shop/')).toEqual(now)
  expect((await ask(`http://${plan.listen}`, '/_reveille/generation')).text).toBe(
    String(apply.generation),
  )
  expect((await offer([app('shop', 1)])).result).toBe('moved')
  expect(await answering('/shop/')).toEqual(['server-1'])
})

it('a known app sleeps and wakes without a reload, whoever answers in between', async () => {
  expect((await offer([app('other', 0), app('shop', 1)])).result).toBe('live')
  const before = await workers()
  for (const server of [2, 2, 3]) {
    expect((await offer([app('shop', 1)])).result).toBe('moved')
    expect((await ask(`http://${plan.listen}`, '/other/')).status).toBe(404)
    expect(launcher.asks.splice(0)).toMatchObject([{ app: 'other' }])
    expect((await offer([app('other', server), app('shop', 1)])).result).toBe('moved')
    expect(await answering('/other/', 5)).toEqual([`server-${server}`])
  }
  expect(await workers()).toEqual(before)
})

it('its socket is for nobody else, and where it is gone, a reload does it', async () => {
  const socket = join(plan.folder, 'haproxy.sock')
  expect((await stat(socket)).mode & 0o777).toBe(0o600)
  await rm(socket)
  const before = await workers()
  expect((await offer([app('shop', 2)])).result).toBe('live')
  expect(failures.splice(0)).toEqual([expect.stringContaining('ENOENT')])
  await expect.poll(() => answering('/shop/', 5)).toEqual(['server-2'])
  await expect.poll(workers).not.toEqual(before)
  // Workers take the socket over without its name: there is one again once HAProxy is started.
  await proxy.stop()
  proxy = await startHaproxy(file)
  expect((await offer([app('shop', 3)])).result).toBe('moved')
  expect(await answering('/shop/', 5)).toEqual(['server-3'])
})

it('one that was changed behind its back is reloaded', async () => {
  const { tell } = openProxy(
    { proxy: 'haproxy', checkCmd: '', reloadCmd: '' },
    plan.folder,
    plan.listen,
  )
  const address = servers[0]?.address ?? ''
  await tell?.(`add server app_shop/${address} ${address}`)
  expect((await offer([app('shop', 0)])).result).toBe('live')
  expect(failures.splice(0)).toEqual([expect.stringContaining('Already exists')])
  await expect.poll(() => answering('/shop/', 5)).toEqual(['server-0'])
})
