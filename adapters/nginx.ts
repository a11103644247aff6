import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { parseEndpoint } from '../model/endpoint.ts'
import { readText } from './files.ts'

/** The number answered at `http://<address>/_reveille/generation`, null if nothing answers there within a second. */
export function askGeneration(address: string): Promise<number | null> {
  const endpoint = parseEndpoint(address)
  if (!endpoint) throw new Error(`${address} is not an address:port`)
  return new Promise((resolve) => {
    const call = request({
      ...endpoint,
      path: '/_reveille/generation',
      agent: false, // kept connections belong to the workers of old configurations
      signal: AbortSignal.timeout(1000),
    })
    call.on('error', () => resolve(null))
    call.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text = (text + part).slice(0, 100)
      })
      response.on('error', () => resolve(null))
      response.on('end', () =>
        resolve(response.statusCode === 200 && /^\d{1,15}\s*$/.test(text) ? Number(text) : null),
      )
    })
    call.end()
  })
}

/** The master process named by a pid file, null if it does not run. Another program with its number does not count. */
async function master(pidFile: string): Promise<number | null> {
  const pid = Number((await readText(pidFile))?.trim() || Number.NaN)
  if (!Number.isInteger(pid) || pid < 2) return null
  const title = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return title.startsWith('nginx: master') ? pid : null
}

export async function isNginxRunning(pidFile: string): Promise<boolean> {
  return (await master(pidFile)) !== null
}

/** Makes nginx read its file again, as `nginx -s reload` does. Rejects if it does not run. */
export async function reloadNginx(pidFile: string): Promise<void> {
  const pid = await master(pidFile)
  if (pid === null) throw new Error(`no nginx runs under the number in ${pidFile}`)
  process.kill(pid, 'SIGHUP')
}

/** Whom the workers of an nginx started by root run as: the first user of these that this machine has. */
export async function workerUser(): Promise<string> {
  const users = (await readFile('/etc/passwd', 'utf8'))
    .split('\n')
    .map((line) => line.split(':')[0])
  return ['www-data', 'nginx', 'nobody'].find((name) => users.includes(name)) ?? 'root'
}

/** How many files a process on this machine may open at most (the hard limit; root may raise it, a container's may not). */
export async function fileLimit(): Promise<number> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1]
  return hard ? Number(hard) : 65_536
}
