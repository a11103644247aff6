import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Engine } from '../../adapters/docker.ts'
import { openEngine } from '../../adapters/docker-open.ts'
import { command } from '../lab/command.ts'
import { labEngine } from '../lab/engine.ts'
import { temporaryFolder } from '../lab/folder.ts'
import { type Sshd, startSshd } from '../lab/sshd.ts'

let sshd: Sshd
let url: string
const engines: Engine[] = []

beforeAll(async () => {
  sshd = await startSshd(`${await temporaryFolder()}/ssh`)
  url = `ssh://${sshd.user}@127.0.0.1:${sshd.port}${labEngine().url.slice('unix://'.length)}`
})

afterAll(async () => {
  for (const engine of engines) engine.close()
  await sshd.end()
})

function open(address = url): Engine {
  const engine = openEngine(address, { ssh: sshd.configuration })
  engines.push(engine)
  return engine
}

/** Clients of ssh that lead to the sshd of this test. */
async function clients(): Promise<number> {
  const all = await command('ps', '-eo', 'args')
  const ours = (line: string): boolean =>
    line.startsWith('ssh -N') && line.includes(`-p ${sshd.port} `)
  return all.split('\n').filter(ours).length
}

const failure = (engine: Engine): Promise<string> =>
  engine.list().then(
    () => 'answered',
    (error: Error & { code?: string }) => `${error.code}: ${error.message}`,
  )

test('an engine behind sshd answers, all calls over one connection, which ends with it', async () => {
  const engine = open()
  await Promise.all([engine.list(), engine.info(), engine.time(), engine.list()])
  const stop = new AbortController()
  const events = engine.events(await engine.time(), stop.signal).next()
  await engine.ping()
  expect(await clients()).toBe(1)
  stop.abort()
  await expect(events).rejects.toMatchObject({ code: 'aborted' })
  engine.close()
  await expect.poll(clients).toBe(0)
  expect(await failure(engine)).toMatch(/^unreachable: .*its host is gone/)
  expect(await clients()).toBe(0)
})

test('after a break it is connected again', async () => {
  const engine = open()
  await engine.list()
  await sshd.end()
  await expect.poll(() => failure(engine)).toMatch(/^unreachable: .*no sshd listens there/)
  await sshd.start()
  await expect.poll(() => failure(engine), { timeout: 10_000 }).toBe('answered')
  engine.close()
})

test('a host whose key is unknown or another is not talked to', async () => {
  const known = await readFile(sshd.known, 'utf8')
  try {
    await writeFile(sshd.known, '')
    expect(await failure(open())).toMatch(/^unreachable: .*host key.*known_hosts/)
    const client = await readFile(sshd.configuration.replace(/config$/, 'client.pub'), 'utf8')
    await writeFile(sshd.known, `[127.0.0.1]:${sshd.port} ${client}`)
    expect(await failure(open())).toMatch(/^unreachable: .*host key.*known_hosts/)
  } finally {
    await writeFile(sshd.known, known)
  }
})

test('a key that is not authorized, and a socket that is not there, are told apart', async () => {
  expect(await failure(open(`${url}.not`))).toMatch(
    /^unreachable: .*not to the socket of the engine/,
  )
  const authorized = await readFile(sshd.authorized)
  try {
    await writeFile(sshd.authorized, '')
    expect(await failure(open())).toMatch(/^unreachable: .*Permission denied.*authorized_keys/)
  } finally {
    await writeFile(sshd.authorized, authorized)
  }
})
