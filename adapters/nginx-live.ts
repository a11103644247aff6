import { existsSync, readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Settings } from '../model/setting.ts'

/** Where distributions put nginx's modules. */
const FOLDERS = ['/usr/lib/nginx/modules', '/usr/lib64/nginx/modules', '/usr/share/nginx/modules']
const PARTS = ['entry.lua', 'balance.lua', 'door.lua']
/** Longest path of a socket (sun_path less its end). */
const LONGEST = 107

/**
 * The folder of nginx's modules if routes are to be in its memory, '' if they are to be in its configuration.
 * @param folder where the socket of the table is to be
 * @throws a readable Error if that was demanded and cannot be
 */
export function liveModules(
  settings: Pick<Settings, 'live' | 'proxy' | 'template' | 'checkCmd' | 'reloadCmd'>,
  folder: string,
): string {
  const { live, proxy, template, checkCmd, reloadCmd } = settings
  if (live === 'off') return ''
  const found = FOLDERS.find((path) => existsSync(join(path, 'ngx_http_lua_module.so'))) ?? ''
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

/** What nginx does with the table. templates/ lies beside adapters/ in the source and beside dist/ in the build. */
export function liveProgram(): string {
  const places = ['../templates/live/', '../../templates/live/']
  const folders = places.map((place) => fileURLToPath(new URL(place, import.meta.url)))
  const folder = folders.find((path) => existsSync(path)) ?? (folders[0] as string)
  return PARTS.map((part) => readFileSync(join(folder, part), 'utf8')).join('\n')
}

function socketOf(folder: string): string {
  return join(folder, 'door/socket')
}

/** The door of the table: a socket that nginx opens for everybody, in a folder that is this user's alone. */
export async function openDoor(folder: string) {
  await mkdir(join(folder, 'door'), { recursive: true, mode: 0o700 })
  const call = (method: string, body = '') => callDoor(socketOf(folder), method, body)
  return {
    revision: async () => (await call('GET'))?.text ?? null,
    put: async (text: string) => {
      const answer = await call('PUT', text)
      // 409: it has another revision than the one that the text changes; the next push is of everything.
      if (answer && answer.status !== 200 && answer.status !== 409)
        throw new Error(`nginx does not take the table of routes: ${answer.text}`)
      return answer?.text ?? null
    },
  }
}

/** null if nobody answers within 5 s. */
function callDoor(
  socketPath: string,
  method: string,
  body: string,
): Promise<{ status: number; text: string } | null> {
  return new Promise((resolve) => {
    const headers = { 'content-length': Buffer.byteLength(body) }
    const path = '/table'
    const signal = AbortSignal.timeout(5000)
    const asked = request({ socketPath, path, method, headers, agent: false, signal })
    asked.on('error', () => resolve(null))
    asked.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text = (text + part).slice(0, 500)
      })
      response.on('error', () => resolve(null))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: text.trim() }))
    })
    asked.end(body)
  })
}
