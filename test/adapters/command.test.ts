import { AsyncLocalStorage } from 'node:async_hooks'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { runCommand } from '../../adapters/command.ts'
import { temporaryFolder } from '../lab/folder.ts'
import { processTable } from '../lab/process-table.ts'

let folder: string
beforeAll(async () => {
  folder = await temporaryFolder()
})

async function isAlive(pid: number): Promise<boolean> {
  return (await processTable()).some((row) => row.pid === pid && !row.zombie)
}

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

  it('tells its last words however much it said before', async () => {
    const much = "echo 'error: of long ago'; printf '%01000000d\\n' 0"
    await expect(runCommand(`${much}; echo 'this is why'; exit 1`)).rejects.toThrow(/^this is why$/)
  })

  it('waits no longer than its time-out for one that does not end, and kills it with its group', async () => {
    const file = join(folder, 'stubborn')
    const child = `(echo $BASHPID > ${file}; while :; do sleep 0.1; done)`
    const run = runCommand(`trap '' TERM; ${child}`, '', 1_000)
    await expect(run).rejects.toThrow(/^did not end within 1 s$/)
    const pid = Number(await readFile(file, 'utf8'))
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false)
  }, 20_000)

  it('neither waits for what a command leaves behind with its output, nor ends it', async () => {
    const file = join(folder, 'left')
    // Of what it says a pipe that nobody reads holds a tenth, and it takes longer than the command may.
    const left = `for i in {1..300}; do printf %02000d 0; sleep 0.01; done; echo all > ${file}`
    await runCommand(`(${left}) &`, '', 2_000)
    expect(existsSync(file)).toBe(false)
    await expect(runCommand('sleep 5 & echo why >&2; exit 1')).rejects.toThrow(/^why$/)
    await expect.poll(() => existsSync(file), { timeout: 20_000 }).toBe(true)
  }, 30_000)

  it('finds nginx where systems keep it', async () => {
    await runCommand('nginx -v')
  })
})
