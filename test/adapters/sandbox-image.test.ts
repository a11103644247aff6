import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { arch, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { SANDBOX_IMAGE, sandboxLayer, sandboxProgram } from '../../adapters/sandbox-image.ts'
import { isAllowedImage } from '../../model/image.ts'

const run = promisify(execFile)
const HERE = arch() === 'x64' ? 'amd64' : arch()

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sandbox-'))
  try {
    await work(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

test('no image that an App may name is taken for it', () => {
  expect(isAllowedImage(SANDBOX_IMAGE, ['*'])).toBe(false)
})

test('the program runs on this machine, uses no time, and waits until it is killed', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'sandbox')
    await writeFile(path, sandboxProgram(HERE), { mode: 0o555 })
    const program = spawn(path, { stdio: 'ignore' })
    const ended = once(program, 'exit')
    const state = async (): Promise<string[]> =>
      (await readFile(`/proc/${program.pid}/stat`, 'utf8').catch(() => '')).split(' ')
    await expect.poll(async () => (await state())[2]).toBe('S')
    const before = (await state()).slice(13, 15)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect((await state()).slice(13, 15)).toEqual(before)
    program.kill('SIGKILL')
    expect(await ended).toEqual([null, 'SIGKILL'])
  })
})

test.each([
  ['amd64', 62, 185],
  ['arm64', 183, 208],
])('for %s it is a static program of one segment, of a few bytes', (name, machine, size) => {
  const file = sandboxProgram(name)
  expect(file).toHaveLength(size)
  expect(file.subarray(0, 7)).toEqual(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]))
  expect(file.readUInt16LE(18)).toBe(machine)
  const [entry, start, base] = [24, 32, 80].map((at) => Number(file.readBigUInt64LE(at)))
  expect(entry).toBe((base ?? 0) + 176)
  expect(start).toBe(64)
  // no interpreter, nothing dynamic
  expect([64, 120].map((at) => file.readUInt32LE(at))).toEqual([1, 0x6474e551])
})

test('on arm64 it ends with a jump to its beginning, so that no signal ends it', () => {
  const file = sandboxProgram('arm64')
  const jump = file.readInt32LE(file.length - 4)
  expect(jump >>> 26).toBe(0b000101)
  expect((jump << 6) >> 6).toBe(-(file.length - 4 - 176) / 4)
})

test('an architecture that there is no program for is named, with what to do', () => {
  expect(() => sandboxProgram('riscv64')).toThrow(
    'there is no sandbox for riscv64: give its apps --network bridge',
  )
})

test('the layer is an archive that tar reads, the same each time', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'layer.tar')
    await writeFile(path, sandboxLayer('amd64'))
    const { stdout } = await run('tar', ['tvf', path, '--numeric-owner', '--utc'])
    expect(stdout).toBe('-r-xr-xr-x 0/0             185 1970-01-01 00:00 sandbox\n')
    await run('tar', ['xf', path, '-C', folder])
    expect(await readFile(join(folder, 'sandbox'))).toEqual(sandboxProgram('amd64'))
    expect(sandboxLayer('amd64')).toEqual(sandboxLayer('amd64'))
  })
})
