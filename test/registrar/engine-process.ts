import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cgroupOf } from '../lab/cgroup.ts'
import { bornAt, processTable } from '../lab/process-table.ts'
import { currentRun } from '../lab/run.ts'

const folder = (): string => join(currentRun().folder, 'engine-1')

/** Process id of the lab's dockerd. */
export async function engineProcess(): Promise<number> {
  return Number(await readFile(join(folder(), 'dockerd.pid'), 'utf8'))
}

/**
 * Starts the lab's dockerd again after a test ended it: in the namespaces of its host, noted for the run's sweep, and
 * with no pipe to this process, which ends before the engine does.
 */
export async function restartEngine(): Promise<void> {
  const run = currentRun()
  const host = await hostProcess()
  const script = `echo $$ >${cgroupOf(run).daemons}/cgroup.procs; exec "$@"`
  const enter = ['nsenter', '--target', String(host), '--net', '--mount']
  const dockerd = ['dockerd', '--config-file', join(folder(), 'daemon.json')]
  const child = spawn('sh', ['-e', '-c', script, 'sh', ...enter, ...dockerd], {
    detached: true,
    stdio: 'ignore',
  })
  child.unref()
  const pid = child.pid as number
  await writeFile(join(run.folder, 'sessions', String(pid)), (await bornAt(pid)) ?? '')
}

/** The run's containerd: it lives in the namespaces of the engine's host. */
async function hostProcess(): Promise<number> {
  for (const { pid } of await processTable()) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (line.startsWith('containerd\0') && line.includes(join(folder(), 'containerd.toml')))
      return pid
  }
  throw new Error('the lab has no containerd')
}
