import { execFile } from 'node:child_process'
import { chmod, copyFile, cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { flagOf, SETTINGS, type Service, variableOf } from '../../model/setting.ts'
import { temporaryFolder } from '../lab/folder.ts'

const FOLDER = join(import.meta.dirname, '../../unit_files')
const UNITS = ['registrar', 'controller', 'launcher', 'nginx'] as const
const SYSTEM = '/usr/lib/systemd/system'
/** What the units start; every other program they name is looked up below the same root. */
const PROGRAMS = ['/usr/local/bin/reveille', '/usr/sbin/nginx', '/bin/kill']

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
  for (const name of await readdir(FOLDER))
    if (name.endsWith('.service')) await copyFile(join(FOLDER, name), join(units, name))
  return root
}

describe('systemd finds nothing wrong with', () => {
  let root: string
  beforeAll(async () => {
    root = await makeRoot()
  })

  test.each(UNITS)('reveille-%s.service', async (unit) => {
    const path = join(root, 'etc/systemd/system', `reveille-${unit}.service`)
    const { stdout, stderr } = await promisify(execFile)('systemd-analyze', [
      'verify',
      `--root=${root}`,
      '--man=no',
      path,
    ])
    expect(stdout + stderr).toBe('')
  })
})

describe.each(['registrar', 'controller', 'launcher'] as const)('reveille-%s.service', (unit) => {
  test('gives its service only flags it has', async () => {
    const line = /^ExecStart=\/usr\/local\/bin\/reveille (.*)$/m.exec(await read(unit))?.[1] ?? ''
    const [service = '', ...words] = line.split(' ')
    expect(service).toBe(unit)
    const flags = words.filter((word) => word.startsWith('--')).map((word) => word.slice(2))
    expect(flags.length).toBeGreaterThan(0)
    for (const flag of flags) expect(namesFor(unit, flagOf)).toContain(flag)
  })

  test('reads the settings of its own file', async () => {
    expect(await read(unit)).toContain(`EnvironmentFile=-/etc/reveille/${unit}.env`)
  })
})

describe.each(UNITS)('reveille-%s.service', (unit) => {
  test('comes back whenever it ends, as a user of its own that can change nothing else', async () => {
    const lines = new Set((await read(unit)).split('\n'))
    for (const line of [
      'Restart=always',
      'RestartSec=200ms',
      'StartLimitIntervalSec=0',
      'User=reveille',
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
    expect([...lines].some((line) => line.startsWith('MemoryDenyWriteExecute=yes'))).toBe(false)
  })
})

test('README.md names only settings there are', async () => {
  const text = await readFile(join(FOLDER, 'README.md'), 'utf8')
  const variables = new Set(text.match(/REVEILLE_[A-Z_]+/g))
  expect(variables.size).toBeGreaterThan(3)
  const all = Object.keys(SETTINGS).map(variableOf)
  for (const variable of variables) expect(all).toContain(variable)
})
