import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Settings } from '../model/setting.ts'
import { searchPath } from './command.ts'

const PARTS = ['entry.lua', 'flight.lua', 'balance.lua', 'door.lua']
/** Longest path of a socket (sun_path less its end). */
const LONGEST = 107

/**
 * The folder of nginx's modules if routes are to be in its memory, '' if they are to be in its configuration.
 * @param folder where the socket of the table is to be
 * @throws a readable Error if that was demanded and cannot be
 */
export async function liveModules(
  settings: Pick<Settings, 'live' | 'proxy' | 'template' | 'checkCmd' | 'reloadCmd'>,
  folder: string,
): Promise<string> {
  const { live, proxy, template, checkCmd, reloadCmd } = settings
  if (live === 'off') return ''
  const modules = proxy === 'nginx' ? await modulesFolder() : ''
  const found = existsSync(join(modules, 'ngx_http_lua_module.so')) ? modules : ''
  const isLong = socketOf(folder).length > LONGEST
  if (live === 'auto') {
    // Somebody's own template or nginx need not know of it.
    const isOurs = proxy === 'nginx' && template + checkCmd + reloadCmd === ''
    return isOurs && !isLong ? found : ''
  }
  if (proxy !== 'nginx') throw new Error('--live on needs --proxy nginx')
  if (found === '')
    throw new Error(
      '--live on needs the Lua module of nginx: apt-get install libnginx-mod-http-lua',
    )
  if (isLong)
    throw new Error(`--live on needs a shorter --run-dir: ${folder} is too long for a socket`)
  return found
}

/** Where the nginx of this machine looks for its modules, '' if there is none: one of another nginx would not load. */
async function modulesFolder(): Promise<string> {
  const { stderr } = await promisify(execFile)('nginx', ['-V'], {
    env: { ...process.env, PATH: searchPath() },
    timeout: 10_000,
  }).catch(() => ({ stderr: '' }))
  return /--modules-path=(\S+)/.exec(stderr)?.[1] ?? ''
}

/** What nginx does with the table. templates/ lies beside adapters/ in the source and beside dist/ in the build. */
export function liveProgram(): string {
  const places = ['../templates/live/', '../../templates/live/']
  const folders = places.map((place) => fileURLToPath(new URL(place, import.meta.url)))
  const folder = folders.find((path) => existsSync(path)) ?? (folders[0] as string)
  return PARTS.map((part) => readFileSync(join(folder, part), 'utf8')).join('\n')
}

/** How many doors there can be; one is open at a time. */
const DOORS = 10

function socketOf(folder: string, number = 0): string {
  return join(folder, `door/${number}`)
}

/**
 * The door of the table: a socket that nginx opens for everybody, in a folder that is this user's alone. It has a number,
 * as nginx opens none again that it has lost: whoever removes the socket, be it another nginx that ended late, takes it away
 * for good.
 */
export async function openDoor(folder: string) {
  const make = () => mkdir(join(folder, 'door'), { recursive: true, mode: 0o700 })
  await make()
  const there = (await readdir(join(folder, 'door'))).filter((name) => /^\d$/.test(name))
  let number = Math.max(0, ...there.map(Number))
  const call = (method: string, body = '') => callDoor(socketOf(folder, number), method, body)
  return {
    get number() {
      return number
    },
    revision: async () => (await call('GET'))?.text ?? null,
    put: async (text: string) => {
      const answer = await call('PUT', text)
      // 409: it has another revision than the one that the text changes; the next push is of everything.
      if (answer && answer.status !== 200 && answer.status !== 409)
        throw new Error(`nginx does not take the table of routes: ${answer.text}`)
      return answer?.text ?? null
    },
    change: async () => {
      await make()
      number = (number + 1) % DOORS
      await rm(socketOf(folder, number), { force: true })
    },
  }
}

/** null if nobody is there. Rejects if somebody is who does not answer within 5 s. */
function callDoor(
  socketPath: string,
  method: string,
  body: string,
): Promise<{ status: number; text: string } | null> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-length': Buffer.byteLength(body) }
    const path = '/table'
    const signal = AbortSignal.timeout(5000)
    const asked = request({ socketPath, path, method, headers, agent: false, signal })
    const fail = (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(null)
      else reject(new Error(`nginx does not answer at ${socketPath}: ${error.message}`))
    }
    asked.on('error', fail)
    asked.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text = (text + part).slice(0, 500)
      })
      response.on('error', fail)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: text.trim() }))
    })
    asked.end(body)
  })
}
