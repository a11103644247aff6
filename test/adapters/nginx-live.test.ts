import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { liveMode } from '../../adapters/nginx-live.ts'
import { temporaryFolder } from '../lab/folder.ts'

const built = { live: 'auto', proxy: 'nginx', template: '', checkCmd: '', reloadCmd: '' } as const
let folder: string

beforeAll(async () => {
  folder = await temporaryFolder()
})
afterEach(() => {
  vi.unstubAllEnvs()
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Puts a program before nginx that says where its modules are, and is the machine's own otherwise. */
async function claim(modules: string): Promise<void> {
  const bin = join(folder, 'bin')
  await mkdir(bin, { recursive: true })
  const text = `#!/bin/sh\n[ "$1" != -V ] || { echo "--modules-path=${modules} --x" >&2; exit; }\nPATH=/usr/sbin:$PATH exec /usr/sbin/nginx "$@"\n`
  await writeFile(join(bin, 'nginx'), text)
  await chmod(join(bin, 'nginx'), 0o755)
  vi.stubEnv('PATH', `${bin}:${process.env.PATH}`)
}

it("is taken where Debian's module is beside Debian's nginx", async () => {
  const mode = { modules: '/usr/lib/nginx/modules', reason: '', mend: '' }
  expect(await liveMode(built, '/run/reveille/nginx')).toEqual(mode)
  expect(await liveMode({ ...built, live: 'on', template: '/x' }, '/run/x')).toEqual(mode)
})

it.each([
  [{ live: 'off' }, /--live off/],
  [{ proxy: 'haproxy' }, /nginx only/],
  [{ template: '/x' }, /not the built-in ones/],
  [{ checkCmd: 'true' }, /not the built-in ones/],
  [{ reloadCmd: 'true' }, /not the built-in ones/],
] as const)('is not for who chose otherwise: %j', async (change, reason) => {
  const mode = await liveMode({ ...built, ...change }, '/run/x')
  expect(mode).toEqual({ modules: '', reason: expect.stringMatching(reason), mend: '' })
})

it('says how to get a module that is not there', async () => {
  await claim(folder)
  expect(await liveMode(built, '/run/x')).toEqual({
    modules: '',
    reason: 'the Lua module of nginx is not there',
    mend: 'apt-get install libnginx-mod-http-lua',
  })
})

it('leaves a module that this nginx does not take', async () => {
  for (const name of ['ndk_http_module.so', 'ngx_http_lua_module.so'])
    await writeFile(join(folder, name), 'of another nginx')
  await claim(folder)
  const mode = await liveMode(built, '/run/x')
  expect(mode).toMatchObject({ modules: '', mend: expect.stringMatching(/libnginx-mod-http-lua/) })
  expect(mode.reason).toMatch(/does not take its Lua module: .*ndk_http_module\.so/)
})

it('needs a folder in which a socket can be', async () => {
  const mode = await liveMode(built, `/run/${'x'.repeat(100)}`)
  expect(mode).toMatchObject({ modules: '', reason: expect.stringMatching(/too long/) })
})
