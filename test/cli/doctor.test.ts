import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startProcessEngine } from '../../adapters/process-engine.ts'
import type { Finding } from '../../cli/doctor/check.ts'
import { parseListeners } from '../../cli/listener.ts'
import { type LabEtcd, startEtcd } from '../lab/etcd.ts'
import { temporaryFolder } from '../lab/folder.ts'
import { startNginx } from '../lab/nginx.ts'
import { freePort } from '../lab/port.ts'
import { isPlain } from './hostile.ts'
import { type Outcome, openCliStage, run } from './stage.ts'

const LISTENS = [
  'listen',
  'wake-listen',
  'api-listen',
  'controller-admin',
  'registrar-admin',
  'activity-listen',
]

let etcd: LabEtcd
const servers: Server[] = []
beforeAll(async () => {
  etcd = await startEtcd()
})
afterAll(async () => {
  for (const server of servers) server.close()
  await etcd.stop()
})

/** Settings of a machine on which nothing runs but etcd, with free ports and folders of its own. */
async function machine(): Promise<Record<string, string>> {
  const folder = await temporaryFolder()
  await mkdir(join(folder, 'run'))
  const ports = await Promise.all(LISTENS.map(async (name) => [name, await freePort()] as const))
  const listens = ports.map(([name, port]) => [name, `127.0.0.1:${port}`])
  return {
    ...Object.fromEntries(listens),
    api: `http://127.0.0.1:${ports[2]?.[1]}`,
    'state-dir': folder,
    'run-dir': join(folder, 'run'),
    etcd: etcd.url,
    engine: 'process',
  }
}

async function doctor(changes: Record<string, string> = {}): Promise<{
  outcome: Outcome
  find(name: string): Finding
}> {
  const flags = Object.entries({ ...(await machine()), ...changes })
  const argv = flags.flatMap(([name, value]) => [`--${name}`, value])
  const outcome = await run(['doctor', '--json', ...argv])
  const { findings }: { findings: Finding[] } = JSON.parse(outcome.out)
  return {
    outcome,
    find: (name) => {
      const found = findings.find((finding) => `${finding.name} `.startsWith(`${name} `))
      if (!found) throw new Error(`no finding ${name} in ${outcome.out}`)
      return found
    },
  }
}

describe('on a machine that is ready', () => {
  test('nothing is wrong, and what does not run yet is to note', async () => {
    const { outcome, find } = await doctor()
    expect(outcome).toMatchObject({ code: 0, err: '' })
    for (const name of ['node', 'state-dir', 'run-dir', 'etcd', 'nginx', 'live routes', ...LISTENS])
      expect(find(name)).toMatchObject({ level: 'ok' })
    expect(find('etcd').detail).toMatch(/^3\.[0-9.]+, no TLS$/)
    for (const name of ['launcher', 'controller', 'registrar', 'gateway'])
      expect(find(name)).toMatchObject({
        level: 'warn',
        detail: 'does not run',
        mend: expect.stringContaining('reveille up'),
      })
  })

  test('people get a line for each, and how to mend what is not well', async () => {
    const argv = Object.entries(await machine()).flatMap(([name, value]) => [`--${name}`, value])
    const { code, out } = await run(['doctor', ...argv])
    expect(code).toBe(0)
    expect(out).toMatch(/^ok {4}node: /m)
    expect(out).toMatch(/^warn {2}launcher 127.*: does not run\n {6}Start it: reveille up/m)
    expect(out).toMatch(/\d+ ok, \d+ to note, 0 wrong\n$/)
    expect(isPlain(out)).toBe(true)
  })
})

describe('what is broken is named with its mend, and the exit code is 1:', () => {
  const broken = async (
    changes: Record<string, string>,
    name: string,
    detail: RegExp,
    mend: RegExp,
  ): Promise<void> => {
    const { outcome, find } = await doctor(changes)
    expect(find(name)).toMatchObject({
      level: 'fail',
      detail: expect.stringMatching(detail),
      mend: expect.stringMatching(mend),
    })
    expect(outcome.code).toBe(1)
    expect(outcome.err).toMatch(/^error: (?:1 thing is|\d+ things are) wrong\n$/)
  }

  test('etcd is not there', async () => {
    const nobody = `http://127.0.0.1:${await freePort()}`
    await broken({ etcd: nobody }, 'etcd', /nothing listens/, /Start it, or correct --etcd/)
  })

  test('etcd has no TLS though https is asked for', async () => {
    const etcdUrl = etcd.url.replace('http:', 'https:')
    await broken({ etcd: etcdUrl }, 'etcd', /./, /--etcd/)
  })

  test('etcd refuses the user', async () => {
    const changes = { 'etcd-user': 'nobody', 'etcd-password': 'x' }
    await broken(changes, 'etcd', /user nobody is refused/, /REVEILLE_ETCD_PASSWORD/)
  })

  test('etcd hangs', async () => {
    await etcd.pause()
    try {
      await broken({}, 'etcd', /./, /firewall|Correct --etcd/)
    } finally {
      await etcd.resume()
    }
  })

  test('a certificate cannot be read', async () => {
    await broken({ 'etcd-ca': '/nowhere.pem' }, 'etcd', /nowhere\.pem/, /--etcd-ca/)
  })

  test('a port is taken by another program', async () => {
    const port = await freePort()
    const server = createServer().listen(port, '127.0.0.1')
    servers.push(server)
    const changes = { 'wake-listen': `127.0.0.1:${port}` }
    const holder = new RegExp(`^taken by .*\\(pid ${process.pid}\\)`)
    await broken(changes, 'wake-listen', holder, /--wake-listen/)
    await broken({ 'wake-listen': `0.0.0.0:${port}` }, 'wake-listen', holder, /--wake-listen/)
  })

  test('an address is not of this machine', async () => {
    const changes = { listen: '203.0.113.7:8080' }
    await broken(changes, 'listen', /no address of this machine/, /--listen/)
  })

  test('the address of the host is in none of the networks', async () => {
    const changes = { networks: '10.0.0.0/16', address: '10.9.0.5' }
    await broken(changes, 'networks', /10\.9\.0\.5 is in none/, /--networks or --address/)
  })

  test('the configuration does not pass', async () => {
    const folder = await temporaryFolder()
    const output = join(folder, 'nginx.conf')
    await writeFile(output, 'http { nonsense; }\n')
    await broken({ output }, 'configuration', /nonsense/, /nginx .*-t .*nginx\.conf/)
    await broken(
      { output, 'check-cmd': 'grep proxy {{candidate}}' },
      'configuration',
      /./,
      /grep proxy/,
    )
  })

  test('another server has the port of the gateway', async () => {
    const port = await freePort()
    const folder = await temporaryFolder()
    const file = join(folder, 'nginx.conf')
    const server = `server { listen 127.0.0.1:${port}; location / { return 404; } }`
    await writeFile(
      file,
      `pid ${folder}/pid; error_log stderr; events {} http { access_log off; ${server} }\n`,
    )
    const nginx = await startNginx(file)
    const changes = { listen: `127.0.0.1:${port}` }
    try {
      await broken(changes, 'gateway', /answers 404/, /ports/)
      await broken(changes, 'listen', /^taken by nginx: /, /--listen/)
    } finally {
      await nginx.stop()
    }
  })

  test('the state directory is a file', async () => {
    const file = join(await temporaryFolder(), 'file')
    await writeFile(file, '')
    await broken({ 'state-dir': file }, 'state-dir', /no directory/, /--state-dir/)
    await broken(
      { 'run-dir': join(file, 'below') },
      'run-dir',
      /cannot be made|not writable/,
      /--run-dir/,
    )
  })

  test('others may read the token', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'token'), 'x'.repeat(20))
    await chmod(join(folder, 'token'), 0o644)
    await broken({ 'state-dir': folder }, 'token', /read by others/, /chmod 600/)
  })

  test('there is no Docker engine', async () => {
    const folder = await temporaryFolder()
    const docker = `unix://${folder}/docker.sock`
    await broken({ engine: 'docker', docker }, 'docker', /no such socket/, /^Correct --docker\.$/)
    const { find } = await doctor({ engine: 'auto', docker })
    expect(find('docker')).toMatchObject({ level: 'warn' })
    const tcp = `tcp://127.0.0.1:${await freePort()}`
    await broken({ engine: 'docker', docker: tcp }, 'docker', /does not run/, /correct --docker/)
  })

  test('something that is no Docker engine answers', async () => {
    const docker = etcd.url.replace('http:', 'tcp:')
    await broken({ engine: 'docker', docker }, 'docker', /not as an engine/, /--docker/)
  })
})

test('an nginx of ours is known, whatever its run directory', async () => {
  const port = await freePort()
  const folder = await temporaryFolder()
  const file = join(folder, 'nginx.conf')
  const server = `server { listen 127.0.0.1:${port}; location = /_reveille/generation { return 200 "7\n"; } }`
  await writeFile(
    file,
    `pid ${folder}/pid; error_log stderr; events {} http { access_log off; ${server} }\n`,
  )
  const nginx = await startNginx(file)
  try {
    const { find } = await doctor({ listen: `127.0.0.1:${port}` })
    expect(find('listen')).toMatchObject({ level: 'ok', detail: expect.stringContaining('ours') })
    expect(find('gateway')).toMatchObject({ level: 'ok', detail: 'generation 7' })
  } finally {
    await nginx.stop()
  }
})

describe('beside a launcher', () => {
  test('the engine and the gateway looked at are those that run', async () => {
    const stage = await openCliStage()
    const folder = await temporaryFolder()
    const socket = join(folder, 'docker.sock')
    const engine = await startProcessEngine({ socket, dir: join(folder, 'apps'), images: {} })
    const port = await freePort()
    const host = { name: 'box', address: '10.0.0.5', publish: '10.0.0.5', cpus: 1, memory: 1 }
    const gateway = { id: 'gate', applied: '1', generation: 1, endpoints: 0, rejected: [] }
    const records = {
      '/services/hosts/box': { ...host, engine: engine.url },
      '/services/gateways/gate': { ...gateway, listen: `127.0.0.1:${port}` },
    }
    for (const [key, record] of Object.entries(records))
      await stage.store.put(key, JSON.stringify(record))
    await expect.poll(() => stage.catalog.state.gateways.size).toBe(1)
    try {
      const argv = Object.entries({ ...(await machine()), engine: 'auto' })
        .filter(([name]) => name !== 'listen' && name !== 'api')
        .flatMap(([name, value]) => [`--${name}`, value])
      const { out } = await run(['doctor', ...argv], { env: stage.env })
      expect(out).toContain(`docker ${engine.url}: apps run as child processes`)
      expect(out).not.toContain('/var/run/docker.sock')
      expect(out).not.toContain('disk of /var/lib/docker')
      expect(out).toContain(`gateway 127.0.0.1:${port}: does not run`)
    } finally {
      await engine.close()
      await stage.close()
    }
  })

  test('it tells what the cluster lacks and what a gateway refused', async () => {
    const stage = await openCliStage()
    const rejected = [{ key: '/services/clusters/a', reason: '\u001b[2Jnot a host:port' }]
    const gateway = { id: 'g1', applied: '1', generation: 1, endpoints: 0, rejected }
    await stage.store.put('/services/gateways/g1', JSON.stringify(gateway))
    await expect.poll(() => stage.catalog.state.gateways.size).toBe(1)
    const api = stage.env.REVEILLE_API ?? ''
    const token = stage.env.REVEILLE_TOKEN ?? ''
    try {
      const { find } = await doctor({ api, token })
      expect(find('launcher')).toMatchObject({ level: 'ok', detail: 'well' })
      expect(find('hosts')).toMatchObject({ level: 'warn', mend: 'Start one: reveille registrar' })
      expect(find('gateway g1')).toMatchObject({ level: 'warn' })
      expect(find('clock of ' + new URL(api).host)).toMatchObject({ level: 'ok' })
      const stranger = await doctor({ api, token: 'not-the-token' })
      expect(stranger.outcome.code).toBe(1)
      expect(stranger.find('api')).toMatchObject({ mend: expect.stringContaining('--token') })
    } finally {
      await stage.close()
    }
  })
})

test('What listens is read out of the tables of the kernel.', () => {
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 552 1',
    '   1: 0100007F:A9AF 0100007F:DBE0 01 00000000:00000000 03:00000CFE 00000000     0        0 553 3',
  ].join('\n')
  expect(parseListeners('tcp', table)).toEqual([
    { protocol: 'tcp', address: '00000000', port: 8080, inode: '552' },
  ])
})
