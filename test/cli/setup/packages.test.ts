import { chmod, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { command } from '../../lab/command.ts'
import { temporaryFolder } from '../../lab/folder.ts'

const script = join(import.meta.dirname, '../../../cli/setup/packages.sh')

/** A folder to be the PATH of a machine with next to nothing on it. */
async function bareMachine(): Promise<string> {
  const folder = await temporaryFolder()
  const tools = ['awk', 'cat', 'chmod', 'grep', 'id', 'mktemp', 'rm', 'tail', 'touch']
  for (const tool of tools) {
    const path = (await command('/bin/sh', '-c', `command -v ${tool}`)).trim()
    await symlink(path, join(folder, tool))
  }
  return folder
}

const install = (path: string, ...packages: string[]) =>
  command('/usr/bin/env', `PATH=${path}`, '/bin/bash', script, ...packages)

it('says nothing and does nothing when all is there', async () => {
  expect(await command('bash', script)).toBe('')
})

it('says what is missing and why, and what to do without apt-get', async () => {
  const failure = install(await bareMachine(), 'etcd-server')
  await expect(failure).rejects.toMatchObject({
    stdout: expect.stringMatching(/etcd-server +the store/),
    stderr: expect.stringContaining('There is no apt-get here'),
  })
})

it('fetches the lists of packages only when installing fails without', async () => {
  const machine = await bareMachine()
  const aptGet = `#!/bin/bash
echo "\${@: -1}" >>${machine}/calls
[ "\${@: -1}" = update ] || [ "$(grep -c etcd ${machine}/calls)" = 2 ] || exit 100
touch ${machine}/etcd; chmod +x ${machine}/etcd
`
  await writeFile(join(machine, 'apt-get'), aptGet)
  await chmod(join(machine, 'apt-get'), 0o755)
  expect(await install(machine, 'etcd-server')).toContain('Nothing was started')
  expect(await readFile(join(machine, 'calls'), 'utf8')).toBe('etcd-server\nupdate\netcd-server\n')
})
