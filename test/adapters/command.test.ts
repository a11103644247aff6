import { AsyncLocalStorage } from 'node:async_hooks'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { runCommand } from '../../adapters/command.ts'
import { temporaryFolder } from '../lab/folder.ts'

let folder: string
beforeAll(async () => {
  folder = await temporaryFolder()
})

describe('runCommand', () => {
  it('gives the command the candidate as one word, whatever is in its path', async () => {
    const candidate = join(folder, 'a "b" $(touch x); `c` \'d\'')
    const out = join(folder, 'out')
    await writeFile(candidate, 'text')
    await runCommand(`cat {{candidate}} > ${out}; printf %s {{candidate}} >> ${out}`, candidate)
    expect(await readFile(out, 'utf8')).toBe(`text${candidate}`)
  })

  it('leaves a path that needs no quotes as it is, within those of the operator', async () => {
    const [candidate, out] = [join(folder, 'plain-1.conf'), join(folder, 'plain')]
    await runCommand(`printf %s "{{candidate}}" > ${out}`, candidate)
    expect(await readFile(out, 'utf8')).toBe(candidate)
  })

  it('leaves no store behind that each promise of this process would carry', async () => {
    const run = vi.spyOn(AsyncLocalStorage.prototype, 'run')
    await runCommand('true')
    expect(run).not.toHaveBeenCalled()
    run.mockRestore()
  })

  it('ends badly where a part of a pipe does', async () => {
    await expect(runCommand('false | cat')).rejects.toThrow(/^ended with 1$/)
  })

  it("rejects with the command's own reason, in one line", async () => {
    await expect(
      runCommand(
        `printf '2026/11/21 03:00:00 [emerg] 1#1: unknown directive "x" in f:2\\nconfiguration file f test failed\\n' >&2; exit 1`,
      ),
    ).rejects.toThrow(/^\[emerg\] unknown directive "x" in f:2$/)
    await expect(runCommand('exit 3')).rejects.toThrow(/^ended with 3$/)
    await expect(runCommand('no-such-command-here')).rejects.toThrow(/no-such-command-here/)
  })

  it('finds nginx where systems keep it', async () => {
    await runCommand('nginx -v')
  })
})
