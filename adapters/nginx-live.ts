import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Settings } from '../model/setting.ts'
import { runCommand, searchPath } from './command.ts'
import { fits } from './nginx-door.ts'

const PARTS = ['entry.lua', 'flight.lua', 'failures.lua', 'balance.lua', 'door.lua']

/** Whether running apps can be in nginx's memory. */
export interface LiveMode {
  /** folder of nginx's modules; '' if they have to be in its configuration */
  modules: string
  /** why they have to, and what to do about it; '' where nothing is to be said or done */
  reason: string
  mend: string
}

const INSTALL = 'apt-get install libnginx-mod-http-lua'

/**
 * Where routes are to be, by the settings and by what nginx there is. Tries whether nginx takes the module, as one that is
 * there may be of another nginx.
 * @param folder where the socket of the table is to be
 */
export async function liveMode(
  settings: Pick<Settings, 'live' | 'proxy' | 'template' | 'checkCmd' | 'reloadCmd'>,
  folder: string,
): Promise<LiveMode> {
  const { live, proxy, template, checkCmd, reloadCmd } = settings
  const no = (reason: string, mend: string): LiveMode => ({ modules: '', reason, mend })
  if (live === 'off') return no('--live off', '')
  if (proxy !== 'nginx') return no('it is for nginx only', '')
  // Somebody's own template or nginx need not know of it.
  if (live === 'auto' && template + checkCmd + reloadCmd !== '')
    return no('template or commands are not the built-in ones', '')
  const modules = await modulesFolder()
  if (!existsSync(join(modules, 'ngx_http_lua_module.so')))
    return no('the Lua module of nginx is not there', INSTALL)
  if (!fits(folder)) return no(`${folder} is too long for a socket`, 'Choose a shorter --run-dir.')
  const refusal = await refusalOf(modules)
  if (refusal !== '')
    return no(
      `nginx does not take its Lua module: ${refusal}`,
      `Both must be of one origin: ${INSTALL}, beside Debian's nginx.`,
    )
  return { modules, reason: '', mend: '' }
}

/** Where the nginx of this machine looks for its modules, '' if there is none. */
async function modulesFolder(): Promise<string> {
  const { stderr } = await promisify(execFile)('nginx', ['-V'], {
    env: { ...process.env, PATH: searchPath() },
    timeout: 10_000,
  }).catch(() => ({ stderr: '' }))
  return /--modules-path=(\S+)/.exec(stderr)?.[1] ?? ''
}

/**
 * nginx's words where it does not take the modules that {@link liveProgram} runs in, '' where it does. Its check runs no
 * Lua: that the libraries are there is a promise of the module's package, which names their version.
 */
async function refusalOf(modules: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'reveille-live-'))
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const file = join(folder, 'nginx.conf')
  try {
    await writeFile(
      file,
      `load_module "${modules}/ndk_http_module.so";
      load_module "${modules}/ngx_http_lua_module.so";
      pid "${folder}/pid";
      error_log stderr;
      events {}
      http {
        ${places.map((name) => `${name}_temp_path "${folder}/${name}";`).join(' ')}
        access_log off;
      }`,
    )
    await runCommand('nginx -e stderr -t -q -c {{candidate}}', file)
    return ''
  } catch (error) {
    return (error as Error).message
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What nginx does with the table. templates/ lies beside adapters/ in the source and beside dist/ in the build. */
export function liveProgram(): string {
  const places = ['../templates/live/', '../../templates/live/']
  const folders = places.map((place) => fileURLToPath(new URL(place, import.meta.url)))
  const folder = folders.find((path) => existsSync(path)) ?? (folders[0] as string)
  return PARTS.map((part) => readFileSync(join(folder, part), 'utf8')).join('\n')
}
