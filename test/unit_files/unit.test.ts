import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { THRIFT } from '../../cli/embedded/environment.ts'
import { flagOf, SETTINGS, type Service, variableOf } from '../../model/setting.ts'
import { temporaryFolder } from '../lab/folder.ts'

const FOLDER = join(import.meta.dirname, '../../unit_files')
const SERVICES = ['registrar', 'controller', 'launcher', 'pool'] as const
const UNITS = [...SERVICES, 'nginx', 'etcd'] as const
/** Several of them may run on one machine. */
const TEMPLATES = [...SERVICES, 'nginx'] as const
const SYSTEM = '/usr/lib/systemd/system'
/** What the units start; every other program they name is looked up below the same root. */
const PROGRAMS = [
  '/usr/local/bin/reveille',
  '/usr/sbin/nginx',
  '/usr/bin/etcd',
  '/usr/bin/env',
  '/bin/kill',
  '/bin/sh',
  '/usr/bin/curl',
  '/usr/bin/docker',
]
/** Units of a page of their own, templates all of them. */
const NAMED_APPS = ['nginx', 'launcher', 'launcher-discovery', 'app', 'app-discovery'] as const
/** What the drop-in changes: the unit of Docker's package, as far as it matters here. */
const DOCKER = `[Unit]
Description=Docker
[Service]
Type=notify
ExecStart=/bin/kill -l
`

const read = (unit: string): Promise<string> =>
  readFile(join(FOLDER, `reveille-${unit}.service`), 'utf8')

/** Names of the settings a service has, the way they are typed. */
function namesFor(service: string, write: (name: string) => string): string[] {
  return Object.entries(SETTINGS)
    .filter(([, { services }]) => (services as Service[]).includes(service as Service))
    .map(([name]) => write(name))
}

/** The root of a machine on which all is installed as README.md says. */
async function makeRoot(): Promise<string> {
  const root = await temporaryFolder()
  await cp(SYSTEM, join(root, SYSTEM), { recursive: true, verbatimSymlinks: true })
  for (const program of PROGRAMS) {
    const path = join(root, program)
    await mkdir(join(path, '..'), { recursive: true })
    await writeFile(path, '#!/bin/sh\n')
    await chmod(path, 0o755)
  }
  const units = join(root, 'etc/systemd/system')
  await mkdir(units, { recursive: true })
  const installed = (await readdir(FOLDER)).filter((name) => name.startsWith('reveille-'))
  for (const name of installed)
    await cp(join(FOLDER, name), join(units, name), { recursive: true, dereference: true })
  await cp(join(FOLDER, 'named-apps'), units, { recursive: true, dereference: true })
  await writeFile(join(units, 'docker.service'), DOCKER)
  await cp(join(FOLDER, 'docker.service.d'), join(units, 'docker.service.d'), { recursive: true })
  return root
}

async function verify(root: string, unit: string): Promise<string> {
  const path = join(root, 'etc/systemd/system', unit)
  const { stdout, stderr } = await promisify(execFile)('systemd-analyze', [
    'verify',
    `--root=${root}`,
    '--man=no',
    path,
  ])
  return stdout + stderr
}

describe('systemd finds nothing wrong with', () => {
  let root: string
  beforeAll(async () => {
    root = await makeRoot()
  })

  test.each(UNITS)('reveille-%s.service', async (unit) => {
    expect(await verify(root, `reveille-${unit}.service`)).toBe('')
  })

  test.each([...TEMPLATES.map((unit) => `reveille-${unit}`), ...NAMED_APPS])(
    '%s@A.service',
    async (unit) => {
      const name = `${unit}@A.service`
      const folder = join(root, 'etc/systemd/system')
      await cp(join(folder, `${unit}@.service`), join(folder, name))
      expect(await verify(root, name)).toBe('')
    },
  )

  test('the engine with its drop-in', async () => {
    expect(await verify(root, 'docker.service')).toBe('')
  })
})

describe.each(TEMPLATES)('reveille-%s@.service', (unit) => {
  test('is the unit itself under another name', async () => {
    expect(await readlink(join(FOLDER, `reveille-${unit}@.service`))).toBe(
      `reveille-${unit}.service`,
    )
  })

  test('keeps what it has of its own apart', async () => {
    const text = await read(unit)
    expect(text).toContain('RuntimeDirectory=reveille/%i\n')
    expect(text.match(/\/run\/reveille[^\s]*/g)).toSatisfy((paths: string[]) =>
      paths.every((path) => path.startsWith('/run/reveille/%i')),
    )
  })
})

test.each(SERVICES)('reveille-%s.service gives memory back as under reveille up', async (unit) => {
  const said = Object.entries(THRIFT).map(([name, value]) => `${name}=${value}`)
  const words = said.map((word) => (word.includes(' ') ? `"${word}"` : word))
  expect(await read(unit)).toContain(`Environment=${words.join(' ')}\n`)
})

test.each(SERVICES)('an instance of reveille-%s@.service has a name of its own', async (unit) => {
  const folder = join(FOLDER, `reveille-${unit}@.service.d`)
  const [name = ''] = await readdir(folder)
  expect(await readFile(join(folder, name), 'utf8')).toContain(
    `Environment=${variableOf('id')}=%H-%i\n`,
  )
})

test.each(['app', 'launcher'])('a sidekick of %s@ lives and dies with it', async (unit) => {
  const folder = join(FOLDER, 'named-apps')
  const name = `${unit}-discovery@.service`
  const drop = join(folder, `${name}.d`, 'sidekick.conf')
  const text = await readFile(unit === 'app' ? drop : join(folder, name), 'utf8')
  expect(text).toContain(`BindsTo=${unit}@%i.service\nAfter=${unit}@%i.service\n`)
})

describe.each(SERVICES)('reveille-%s.service', (unit) => {
  test('gives its service only flags it has', async () => {
    const line = /^ExecStart=\/usr\/local\/bin\/reveille (.*)$/m.exec(await read(unit))?.[1] ?? ''
    const [service = '', ...words] = line.split(' ')
    expect(service).toBe(unit)
    const flags = words.filter((word) => word.startsWith('--')).map((word) => word.slice(2))
    expect(flags.length).toBeGreaterThan(0)
    for (const flag of flags) expect(namesFor(unit, flagOf)).toContain(flag)
  })

  test('reads what all share, what it has of its own, what its instance has', async () => {
    const files = (await read(unit)).match(/(?<=^EnvironmentFile=-\/etc\/reveille\/).*$/gm)
    expect(files).toEqual(['fleet.env', `${unit}.env`, `${unit}@%i.env`])
  })
})

describe.each(UNITS)('reveille-%s.service', (unit) => {
  test('comes back whenever it ends, as a user of its own that can change nothing else', async () => {
    const lines = new Set((await read(unit)).split('\n'))
    for (const line of [
      'Restart=always',
      `RestartSec=${unit === 'etcd' ? '1s' : '200ms'}`,
      'StartLimitIntervalSec=0',
      `User=${unit === 'etcd' ? 'etcd' : 'reveille'}`,
      'NoNewPrivileges=yes',
      'ProtectSystem=strict',
      'ProtectHome=yes',
      'PrivateTmp=yes',
      'PrivateDevices=yes',
      'SystemCallFilter=@system-service',
    ])
      expect(lines).toContain(line)
    expect([...lines].some((line) => line.startsWith('CapabilityBoundingSet='))).toBe(true)
    expect([...lines].some((line) => line.startsWith('RestrictAddressFamilies='))).toBe(true)
    expect([...lines].some((line) => line.startsWith('MemoryDenyWriteExecute=yes'))).toBe(
      unit === 'etcd',
    )
  })
})

test('README.md names only settings there are', async () => {
  const text = await readFile(join(FOLDER, 'README.md'), 'utf8')
  const variables = new Set(text.match(/REVEILLE_[A-Z_]+/g))
  expect(variables.size).toBeGreaterThan(3)
  const all = Object.keys(SETTINGS).map(variableOf)
  for (const variable of variables) expect(all).toContain(variable)
})
