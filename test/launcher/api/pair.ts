import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { openEngine } from '../../../adapters/docker-open.ts'
import { openToken } from '../../../adapters/token.ts'
import { labEngine } from '../../lab/engine.ts'
import { startEtcd } from '../../lab/etcd.ts'
import { temporaryFolder } from '../../lab/folder.ts'
import { freePort } from '../../lab/port.ts'
import { type ServiceProcess, startService } from './service-process.ts'

export interface Reply {
  status: number
  text: string
  /** whatever the API answered; the tests say what it must be */
  body: ReturnType<typeof JSON.parse>
}

/** A launcher and a registrar as processes of their own, over a real engine and a real etcd. */
export interface Pair {
  /** where the API is */
  api: string
  token: string
  stateDir: string
  registrar: ServiceProcess
  ask(method: string, path: string, body?: object): Promise<Reply>
  /** ends both, and removes every container of the lab */
  stop(): Promise<void>
}

export async function startPair(): Promise<Pair> {
  const etcd = await startEtcd()
  const stateDir = join(await temporaryFolder(), 'state')
  const { token } = await openToken(stateDir)
  const engine = labEngine()
  const [wakePort, apiPort, adminPort] = await Promise.all([freePort(), freePort(), freePort()])
  const api = `http://127.0.0.1:${apiPort}`
  const common = { etcd: etcd.url, 'state-dir': stateDir, networks: `${engine.address}/32` }
  const registrar = startService('registrar', {
    ...common,
    id: 'box-1',
    docker: engine.url,
    address: engine.address,
    'registrar-admin': `127.0.0.1:${adminPort}`,
    'drain-timeout': '5s',
  })
  const launcher = startService('launcher', {
    ...common,
    id: 'launcher-1',
    'wake-listen': `127.0.0.1:${wakePort}`,
    'api-listen': `127.0.0.1:${apiPort}`,
  })

  const ask = async (method: string, path: string, body?: object): Promise<Reply> => {
    const type = body && { 'content-type': 'application/json' }
    const answer = await fetch(api + path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...type },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    const isJson = answer.headers.get('content-type')?.includes('json') ?? false
    return { status: answer.status, text, body: isJson ? JSON.parse(text) : null }
  }
  const isUp = async (): Promise<boolean> => {
    const hosts = await ask('GET', '/v1/hosts').catch(() => null)
    return hosts?.body.hosts?.[0]?.alive ?? false
  }
  const stop = async (): Promise<void> => {
    await launcher.stop()
    await registrar.stop()
    const docker = openEngine(engine.url)
    for (const { id } of await docker.list()) {
      await docker.stop(id, 0)
      await docker.remove(id)
    }
    await etcd.stop()
  }
  for (let tries = 0; !(await isUp()); tries++) {
    if (tries === 300) {
      await stop()
      throw new Error(`not up:\n${launcher.output()}\n${registrar.output()}`)
    }
    await pause(100)
  }
  return { api, token, stateDir, registrar, ask, stop }
}
