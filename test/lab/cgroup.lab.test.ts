import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { cgroupOf, enterCgroup, makeCgroups, removeCgroups } from './cgroup.ts'
import { currentRun } from './run.ts'

const ROOT = '/sys/fs/cgroup'

it('ends what is frozen, as a paused container is', async () => {
  await makeCgroups(currentRun(), 'frozen')
  const { path } = cgroupOf(currentRun(), 'frozen')
  const script = `${enterCgroup(path)}\necho in; exec sleep 60`
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  await once(child.stdout, 'data')
  const [first, second] = ['freezer', ''].map((top) => join(ROOT, top, path))
  if (existsSync(`${first}/freezer.state`)) writeFileSync(`${first}/freezer.state`, 'FROZEN')
  else writeFileSync(`${second}/cgroup.freeze`, '1')
  await removeCgroups(currentRun(), 'frozen')
  expect(await ended).toEqual([null, 'SIGKILL'])
  expect([first, second].filter((folder) => existsSync(folder ?? ''))).toEqual([])
})
