import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Docker from 'dockerode'
import { expect, it } from 'vitest'
import { command } from '../../lab/command.ts'
import { labEngine } from '../../lab/engine.ts'
import { temporaryFolder } from '../../lab/folder.ts'

const { url } = labEngine()
const docker = new Docker({ socketPath: url.slice('unix://'.length) })
const setup = (script: string, ...args: string[]) =>
  command('bash', join(import.meta.dirname, '../../../cli/setup', script), ...args)
const idOf = async (name: string) => (await docker.getImage(name).inspect()).Id

it('builds the demo image once: the second time finds it there', async () => {
  await setup('demo-image.sh', url)
  const first = await idOf('localhost/reveille/demo:1')
  await setup('demo-image.sh', url)
  expect(await idOf('localhost/reveille/demo:1')).toBe(first)
  const { Config } = await docker.getImage(first).inspect()
  expect(Config.Cmd).toEqual(['node', 'app.js'])
  expect(Config.User).toBe('1000')
  await docker.getImage('localhost/reveille/demo:1').remove()
})

it('builds an image again when a file or an instruction changed', async () => {
  const folder = await temporaryFolder()
  const name = 'reveille-test/import:1'
  await mkdir(join(folder, 'root'))
  await writeFile(join(folder, 'outside'), 'one')
  await symlink(join(folder, 'outside'), join(folder, 'root/file'))
  const build = async (...instructions: string[]) => {
    await setup('import-image.sh', url, name, join(folder, 'root'), ...instructions)
    return idOf(name)
  }
  const first = await build('ENV A=1')
  expect(await build('ENV A=1')).toBe(first)
  await writeFile(join(folder, 'outside'), 'two')
  const second = await build('ENV A=1')
  expect(second).not.toBe(first)
  expect(await build('ENV A=2')).not.toBe(second)
  await docker.getImage(name).remove()
})

it('passes on what the engine says against an instruction', async () => {
  const root = await temporaryFolder()
  await writeFile(join(root, 'file'), 'x')
  await expect(
    setup('import-image.sh', url, 'reveille-test/bad:1', root, 'NONSENSE x'),
  ).rejects.toThrow(/nonsense/i)
})

it('passes on what is said by an engine that refuses it, as one with TLS does', async () => {
  const words = 'Client sent an HTTP request to an HTTPS server.'
  const engine = createServer((call, answer) => {
    call.resume().on('end', () => answer.writeHead(400).end(words))
  })
  await new Promise<void>((ready) => engine.listen(0, '127.0.0.1', ready))
  try {
    const root = await temporaryFolder()
    await writeFile(join(root, 'file'), 'x')
    const there = `tcp://127.0.0.1:${(engine.address() as AddressInfo).port}`
    await expect(setup('import-image.sh', there, 'reveille-test/tls:1', root)).rejects.toThrow(
      words,
    )
  } finally {
    engine.close()
  }
})
