import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { connect } from '../../adapters/etcd.ts'
import { openToken } from '../../adapters/token.ts'
import { type LabEtcd, startEtcd } from '../lab/etcd.ts'
import { temporaryFolder } from '../lab/folder.ts'
import { freePort } from '../lab/port.ts'
import { type Proxy, startProxy } from '../lab/proxy.ts'
import { type Answer, ask, askUntil } from '../system/client.ts'
import { type ServiceProcess, startService } from './api/service-process.ts'

/** Milliseconds by which the second launcher hears later from etcd. */
const LATE = 150

interface Launcher {
  process: ServiceProcess
  wake: string
  api: string
}

let etcd: LabEtcd
let far: Proxy
let token: string
let near: Launcher
let late: Launcher

async function start(id: string, url: string, stateDir: string): Promise<Launcher> {
  const [wake, api] = await Promise.all([freePort(), freePort()])
  const process = startService('launcher', {
    ...{ id, etcd: url, 'state-dir': stateDir },
    ...{ 'wake-listen': `127.0.0.1:${wake}`, 'api-listen': `127.0.0.1:${api}` },
  })
  const launcher = { process, wake: `http://127.0.0.1:${wake}`, api: `http://127.0.0.1:${api}` }
  await askUntil(launcher.wake, '/healthz', ({ status }) => status === 200, 30)
  return launcher
}

async function add(name: string): Promise<Answer> {
  const answer = await ask(near.api, '/v1/apps', {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name, image: 'nobody:1' }),
  })
  expect(answer.status).toBe(201)
  return answer
}

/** Adds an app by the one, and asks the other where it is: what a gateway shows then. */
async function addAndAsk(name: string): Promise<{ took: number; page: string }> {
  const { took } = await add(name)
  const asked = await ask(late.wake, '/wake', {
    headers: { 'x-reveille-app': name, 'x-reveille-slice': '1' },
  })
  return { took, page: String(asked.headers['x-reveille-page']) }
}

beforeAll(async () => {
  etcd = await startEtcd()
  far = await startProxy(etcd.url, { delay: LATE })
  const stateDir = await temporaryFolder()
  ;({ token } = await openToken(stateDir))
  near = await start('near', etcd.url, stateDir)
  late = await start('late', far.url, stateDir)
  // From then on gateways ask it.
  const store = connect({ urls: [etcd.url] })
  await vi.waitFor(
    async () => expect(await store.get('/services/launchers/late')).not.toBeNull(),
    10_000,
  )
  store.close()
}, 90_000)
afterAll(async () => {
  await Promise.all([near?.process.stop(), late?.process.stop()])
  await far.stop()
  await etcd.stop()
})

it('an app that was added is known to every launcher', async () => {
  const { page, took } = await addAndAsk('new')
  expect(page).not.toBe('404')
  expect(took).toBeGreaterThan(LATE / 2)
})

it('one that hears nothing is not waited for for ever, and one that is gone not at all', async () => {
  far.freeze()
  const { page, took } = await addAndAsk('unheard')
  expect([page, took > 900 && took < 5_000]).toEqual(['404', true])
  await late.process.stop()
  expect((await add('alone')).took).toBeLessThan(900)
}, 60_000)
