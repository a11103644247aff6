import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect, type EtcdError, type EtcdOptions, type Store } from '../../adapters/etcd.ts'
import { Informer } from '../../adapters/informer.ts'
import { Session } from '../../adapters/session.ts'
import { temporaryFolder } from '../lab/folder.ts'
import { type Part, startPart } from '../lab/part.ts'
import { freePort } from '../lab/port.ts'
import { startProxy } from '../lab/proxy.ts'

const run = promisify(execFile)
let folder: string
let etcd: Part
let start: () => Promise<Part>
let url: string
let tls: { ca: Buffer; cert: Buffer; key: Buffer }
const stores: Store[] = []

beforeAll(async () => {
  folder = await temporaryFolder()
  const openssl = (...words: string[]) => run('openssl', words, { cwd: folder })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  for (const name of ['ca', 'stranger'])
    await openssl(
      ...['req', '-x509', ...key, '-keyout', `${name}.key`, '-out', `${name}.pem`],
      ...['-subj', `/CN=${name}`, '-days', '2'],
    )
  for (const name of ['server', 'client'])
    await openssl(
      ...['req', '-x509', ...key, '-keyout', `${name}.key`, '-out', `${name}.pem`],
      ...['-CA', 'ca.pem', '-CAkey', 'ca.key', '-subj', `/CN=${name}`, '-days', '2'],
      ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
      ...['-addext', 'basicConstraints=critical,CA:FALSE'],
    )
  const read = (name: string) => readFile(`${folder}/${name}`)
  tls = {
    ca: await read('ca.pem'),
    cert: await read('client.pem'),
    key: await read('client.key'),
  }
  url = `https://localhost:${await freePort()}`
  const peer = `http://127.0.0.1:${await freePort()}`
  start = () =>
    startPart('etcd', [
      ...['--data-dir', `${folder}/data`, '--log-level', 'error', '--logger', 'zap'],
      ...['--listen-client-urls', url.replace('localhost', '127.0.0.1')],
      ...['--advertise-client-urls', url, '--listen-peer-urls', peer],
      ...['--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`],
      ...['--cert-file', `${folder}/server.pem`, '--key-file', `${folder}/server.key`],
      ...['--client-cert-auth', '--trusted-ca-file', `${folder}/ca.pem`],
      ...['--heartbeat-interval', '20', '--election-timeout', '200', '--auth-token-ttl', '2'],
    ])
  etcd = await start()
  const store = open({ tls })
  await etcd.until(async () => (await store.get('/x')) === null)
})

afterAll(async () => {
  for (const store of stores) store.close()
  await etcd.kill()
  await rm(folder, { recursive: true, force: true })
})

function open(options: Partial<EtcdOptions>): Store {
  const store = connect({ urls: [url], ...options })
  stores.push(store)
  return store
}

const failure = (call: Promise<unknown>): Promise<EtcdError> =>
  call.then(
    () => {
      throw new Error('it did not fail')
    },
    (error: EtcdError) => error,
  )

describe('over TLS', () => {
  test('a client with a certificate reads, writes and watches', async () => {
    const store = open({ tls })
    await store.put('/tls/a', 'x')
    expect((await store.get('/tls/a'))?.value).toBe('x')
    const keys: string[] = []
    const informer = new Informer(store, ['/tls/'], {
      onChange: (batch) =>
        keys.push(...batch.map((change) => (change.type === 'put' ? change.entry.key : ''))),
    })
    informer.start()
    await expect.poll(() => informer.connected).toBe(true)
    await store.put('/tls/b', 'x')
    await expect.poll(() => keys).toEqual(['/tls/a', '/tls/b'])
    informer.stop()
  })

  test('a client without one, or with a wrong authority, is told where to look', async () => {
    const stranger = await readFile(`${folder}/stranger.pem`)
    for (const wrong of [{ ca: tls.ca }, { ...tls, ca: stranger }, undefined]) {
      const error = await failure(open(wrong ? { tls: wrong } : {}).get('/tls/a'))
      expect(error.code).toBe('unavailable')
      expect(error.message).toContain(url)
      expect(error.message).toMatch(/etcd-ca|https or http/)
    }
  })

  test('a plain address says that it should be https', async () => {
    const plain = url.replace('https', 'http')
    const error = await failure(open({ urls: [plain] }).get('/tls/a'))
    expect(error.message).toMatch(/https or http/)
    expect(() => connect({ urls: [plain], tls })).toThrow(/make it https/)
  })
})

describe('with users', () => {
  const etcdctl = (...words: string[]) =>
    run('etcdctl', words, {
      env: {
        ...process.env,
        ETCDCTL_API: '3',
        ETCDCTL_ENDPOINTS: url,
        ETCDCTL_CACERT: `${folder}/ca.pem`,
        ETCDCTL_CERT: `${folder}/client.pem`,
        ETCDCTL_KEY: `${folder}/client.key`,
      },
    })

  test('one that is not asked for is refused with words', async () => {
    const error = await failure(open({ tls, user: 'root', password: 'x' }).get('/a'))
    expect(error).toMatchObject({ code: 'denied' })
    expect(error.message).toContain('leave out etcd-user')
  })

  test('the right one works, past the life of its token; others are denied', async () => {
    await etcdctl('user', 'add', 'root:secret')
    await etcdctl('user', 'grant-role', 'root', 'root')
    await etcdctl('role', 'add', 'reveille')
    await etcdctl(
      'role',
      'grant-permission',
      'reveille',
      '--prefix=true',
      'readwrite',
      '/services/',
    )
    await etcdctl('user', 'add', 'reveille:pw')
    await etcdctl('user', 'grant-role', 'reveille', 'reveille')
    await etcdctl('auth', 'enable')

    // A client certificate's name counts as a user where there is no password: ours is none of etcd's.
    expect(await failure(open({ tls }).get('/services/a'))).toMatchObject({ code: 'denied' })
    const wrong = await failure(open({ tls, user: 'reveille', password: 'no' }).get('/services/a'))
    expect(wrong).toMatchObject({ code: 'denied' })
    expect(wrong.message).toContain('etcd-password')

    const store = open({ tls, user: 'reveille', password: 'pw' })
    expect(await failure(store.get('/elsewhere'))).toMatchObject({ code: 'denied' })
    const values: string[] = []
    const informer = new Informer(store, ['/services/apps/', '/services/hosts/'], {
      onChange: (batch) =>
        values.push(...batch.map((change) => (change.type === 'put' ? change.entry.value : ''))),
      relist: 500,
    })
    informer.start()
    await expect.poll(() => informer.connected).toBe(true)
    const lease = await store.grant(10)
    for (let i = 0; i < 6; i++) {
      await store.put('/services/apps/a', `${i}`, { lease })
      expect(await store.renew(lease, 1000)).toBe(true)
      await new Promise((resolve) => setTimeout(resolve, 700))
    }
    await expect.poll(() => values).toEqual(['0', '1', '2', '3', '4', '5'])
    informer.stop()
    await store.revoke(lease)
  })

  test('log-ins go over the one connection that calls have, also when a token is too old', async () => {
    const proxy = await startProxy(url)
    const line = proxy.url.replace('http:', 'https:')
    const store = open({ urls: [line], tls, user: 'reveille', password: 'pw' })
    expect(await store.get('/services/none')).toBeNull()
    await new Promise((resolve) => setTimeout(resolve, 4_000))
    expect(await store.get('/services/none')).toBeNull()
    expect(proxy.asked).toBe(1)
    store.close()
    await proxy.stop()
  })

  test('a restart that forgets all tokens ends neither sessions nor watches', async () => {
    const store = open({ tls, user: 'reveille', password: 'pw' })
    const leases: string[] = []
    const session = new Session(store, 4, {
      onLease: (lease) => leases.push(lease),
      log: { info: () => {}, warn: () => {} },
    })
    await session.start()
    const values: string[] = []
    const informer = new Informer(store, ['/services/restart/'], {
      onChange: (batch) =>
        values.push(...batch.map((change) => (change.type === 'put' ? change.entry.value : ''))),
    })
    informer.start()
    await expect.poll(() => informer.connected).toBe(true)
    await etcd.end()
    etcd = await start()
    await expect.poll(() => informer.connected).toBe(false)
    await new Promise((resolve) => setTimeout(resolve, 5_000)) // beyond the last renewal's reach
    expect(session.valid()).toBe(true)
    await expect.poll(() => informer.connected, { timeout: 8_000 }).toBe(true)
    await store.put('/services/restart/a', 'x', { lease: session.lease ?? '' })
    await expect.poll(() => values).toEqual(['x'])
    informer.stop()
    await session.stop()
  })
})
