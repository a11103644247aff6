import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ReplacedFile } from '../../adapters/files.ts'

it.each([
  ['this user alone unless it is said', undefined, 0o600],
  ['its group, where that is said', 0o640, 0o640],
] as const)('a file is for %s, also where a process left one for all', async (_, said, mode) => {
  const folder = await mkdtemp(join(tmpdir(), 'files-'))
  const path = join(folder, 'routes.json')
  try {
    for (const left of [path, `${path}.candidate`, `${path}.previous`])
      await writeFile(left, 'old', { mode: 0o644 })
    const file = new ReplacedFile(path, said)
    expect((await stat(await file.propose('secrets'))).mode & 0o777).toBe(mode)
    await file.adopt()
    await file.settle()
    expect((await stat(path)).mode & 0o777).toBe(mode)
    expect(await file.read()).toBe('secrets')
  } finally {
    await rm(folder, { recursive: true })
  }
})
