import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Engine } from '../../adapters/docker.ts'
import { openEngine } from '../../adapters/docker-open.ts'
import { engineAccess } from '../../adapters/docker-settings.ts'
import type { ProcessImage } from '../../adapters/process-engine.ts'
import { SANDBOX_IMAGE } from '../../adapters/sandbox-image.ts'
import type { AppInput } from '../../model/app.ts'
import type { BlueprintInput } from '../../model/blueprint.ts'
import { DEMO_IMAGE } from '../../model/image.ts'
import { SETTINGS, type Settings } from '../../model/setting.ts'
import { Api } from '../client.ts'
import { Failure } from '../failure.ts'
import { isLeftover, markDemo, removeDemo } from './residue.ts'
import { ROOT } from './root.ts'

/** The app of the demo for the process engine. */
export const DEMO_IMAGES: Record<string, ProcessImage> = {
  [DEMO_IMAGE]: { command: [process.execPath, join(ROOT, 'examples/demo/app.js')] },
}

const app = { image: DEMO_IMAGE, health: 'http:/', idleAfter: '2m', stopTimeout: 2 } as const
/** C is slow on purpose: who opens it in a browser sees the waiting page. */
export const DEMO_APPS: AppInput[] = [
  { ...app, name: 'A', env: { NAME: 'A' } },
  { ...app, name: 'B', env: { NAME: 'B' } },
  { ...app, name: 'C', env: { NAME: 'C', START_DELAY_MS: '4000' } },
]
const blueprint = (name: string, pattern: string): BlueprintInput => ({
  name,
  pattern,
  app: { ...app, env: { NAME: '{{name}}' } },
})
export const DEMO_BLUEPRINTS = [
  blueprint('letters', '^[D-Z]$'),
  blueprint('demo', '^demo-[a-z0-9]+$'),
]

/** Whether a demo may have an app of this name. */
const isOfDemo = (app: string): boolean =>
  DEMO_APPS.some(({ name }) => name === app) ||
  DEMO_BLUEPRINTS.some(({ pattern }) => new RegExp(pattern).test(app))

const isEmpty = (path: string): boolean => !existsSync(path) || readdirSync(path).length === 0

/**
 * The folders of a demo: the usual ones where nothing is in them yet but what a demo that was killed left, so that
 * `reveille ps` finds the token, else temporary ones. `forget` removes them, if they were not there before. `mark`,
 * called once they are taken, marks what comes into them as a demo's.
 */
export function demoFolders(settings: Settings): {
  settings: Settings
  mark(): void
  forget(): void
} {
  const usual = {
    stateDir: SETTINGS.stateDir.schema.parse(undefined),
    runDir: SETTINGS.runDir.schema.parse(undefined),
  }
  const isUsual = settings.stateDir === usual.stateDir && settings.runDir === usual.runDir
  const isLeft = isLeftover(usual.stateDir)
  const free =
    process.getuid?.() === 0 && (isLeft || (isEmpty(usual.stateDir) && isEmpty(usual.runDir)))
  const base = isUsual && !free ? mkdtempSync(join(tmpdir(), 'reveille-demo-')) : null
  const chosen = base
    ? { ...settings, stateDir: join(base, 'state'), runDir: join(base, 'run') }
    : settings
  const passing = isEmpty(chosen.stateDir) || isLeftover(chosen.stateDir)
  return {
    settings: chosen,
    mark: () => {
      if (passing) markDemo(chosen.stateDir)
    },
    forget: () => {
      if (passing) removeDemo(chosen.stateDir)
      if (base) rmSync(base, { recursive: true, force: true })
    },
  }
}

/** Milliseconds that the demo image may take to be made, and then to be given to an engine: it is as large as Node. */
const LIMIT = 180_000

/** Gives an engine, however it is reached, the demo image, made of this machine's Node. */
async function makeImage(engine: Engine): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'reveille-image-'))
  try {
    const script = join(ROOT, 'cli/setup/demo-image.sh')
    await promisify(execFile)('bash', [script, `file://${folder}`], { timeout: LIMIT })
    const instructions = readFileSync(join(folder, 'instructions'), 'utf8')
    const tar = join(folder, 'layer.tar')
    await engine.importImage(DEMO_IMAGE, { tar, instructions, limit: LIMIT })
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string }
    throw new Failure(`cannot make the demo image: ${stderr.trim() || message}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Those of the images that a demo needs that an engine has not got yet: its launcher makes that of sandboxes. */
async function missingImages(engine: Engine): Promise<string[]> {
  const missing: string[] = []
  for (const image of [DEMO_IMAGE, SANDBOX_IMAGE])
    if (!(await engine.hasImage(image))) missing.push(image)
  return missing
}

export interface Demo {
  /** Adds the apps and blueprints; those that are there stay as they are. */
  add(): Promise<void>
  /** Takes them out of an etcd that goes on after us. */
  withdraw(): Promise<void>
  /** Removes the containers and the images that were made: all that can be, then it throws what failed first. */
  clear(): Promise<void>
}

/** Prepares the demo on an engine. */
export async function prepareDemo(url: string, settings: Settings): Promise<Demo> {
  const engine = openEngine(url, engineAccess(settings))
  const all = async () => [...(await engine.list()), ...(await engine.loneSandboxes())]
  const before = new Set((await all()).map(({ id }) => id))
  const missing = await missingImages(engine)
  if (missing.includes(DEMO_IMAGE)) await makeImage(engine)
  const work = async (each: (api: Api) => Promise<void>): Promise<void> => {
    const token = readFileSync(join(settings.stateDir, 'token'), 'utf8').trim()
    const signal = AbortSignal.timeout(30_000)
    const api = new Api({ url: `http://${settings.apiListen}`, token, signal })
    try {
      await each(api)
    } finally {
      await api.close()
    }
  }
  const added: string[] = []
  return {
    add: () =>
      work(async (api) => {
        const wanted: [string, { name: string }][] = [
          ...DEMO_APPS.map((body): [string, { name: string }] => ['/v1/apps', body]),
          ...DEMO_BLUEPRINTS.map((body): [string, { name: string }] => ['/v1/blueprints', body]),
        ]
        for (const [path, body] of wanted) {
          const there = await api.get(`${path}/${body.name}`).catch(() => null)
          if (there) continue
          await api.send('POST', path, { body })
          added.push(`${path}/${body.name}`)
        }
      }),
    withdraw: () =>
      work(async (api) => {
        for (const path of added) await api.send('DELETE', path)
      }),
    clear: async () => {
      const isNew = ({ id }: { id: string }): boolean => !before.has(id)
      const made = (await engine.list()).filter((one) => one.image === DEMO_IMAGE && isNew(one))
      const results = await Promise.allSettled(
        made.map(async ({ id }) => {
          await engine.stop(id, 1)
          await engine.remove(id)
        }),
      )
      // One whose container was not made any more; of another app it may be one whose container comes yet.
      const alone = (await engine.loneSandboxes()).filter((one) => isOfDemo(one.app) && isNew(one))
      results.push(...(await Promise.allSettled(alone.map(({ id }) => engine.removeSandbox(id)))))
      results.push(...(await Promise.allSettled(missing.map((image) => engine.removeImage(image)))))
      engine.close()
      const failed = results.find(({ status }) => status === 'rejected')
      if (failed) throw (failed as PromiseRejectedResult).reason
    },
  }
}
