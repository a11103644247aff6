import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { liveProgram } from '../../adapters/nginx-live.ts'
import { GatewayPlan, type GatewayPlanInput } from '../../controller/plan.ts'
import { quoteHaproxy, quoteNginx } from '../../controller/quote.ts'
import { compile } from '../../controller/render.ts'
import { stepsOf, targetsOf } from '../../controller/step.ts'
import { Table } from '../../controller/table.ts'
import { temporaryFolder } from '../lab/folder.ts'
import { type LabHaproxy, startHaproxy } from '../lab/haproxy.ts'
import { type LabLauncher, startLauncher } from '../lab/launcher.ts'
import { type LabNginx, startNginx } from '../lab/nginx.ts'
import { freePort } from '../lab/port.ts'
import { startCarrying } from './carrying.ts'

/** Which proxy the tests of this file try: those named *.haproxy.test.ts run the others with HAProxy. */
export const isHaproxy = process.env.REVEILLE_TEST_PROXY === 'haproxy'
/** Whether running apps are in nginx's memory: the tests named *.live.test.ts run the others so. */
export const isLive = process.env.REVEILLE_TEST_LIVE === 'on'
export const TEMPLATE = join(
  import.meta.dirname,
  '../../templates',
  isHaproxy ? 'haproxy.cfg.njk' : 'nginx.conf.njk',
)

/** A scripted launcher that is asked as the proxy under test does it. */
export function openLauncher(): Promise<LabLauncher> {
  return isHaproxy ? startCarrying() : startLauncher()
}

const MODULES = '/usr/lib/nginx/modules'

/** A plan with nothing in it, for a gateway on free ports of its own. */
export async function emptyPlan(): Promise<GatewayPlanInput> {
  const folder = await temporaryFolder()
  await chmod(folder, 0o755) // nginx's workers are another user
  return {
    generation: 1,
    apps: [],
    launchers: [],
    listen: `127.0.0.1:${await freePort()}`,
    activity: `127.0.0.1:${await freePort()}`,
    holdTimeout: 10,
    live: isLive ? MODULES : '',
    folder,
    user: process.getuid?.() === 0 ? 'www-data' : '',
    connections: 4096,
    files: 8192,
  }
}

export interface LabGateway {
  /** http://127.0.0.1:port */
  readonly origin: string
  readonly port: number
  readonly plan: GatewayPlanInput
  readonly nginx: Pick<LabNginx & LabHaproxy, 'pid' | 'output' | 'stop'>
  stop(): Promise<void>
}

/** The real proxy with a template's configuration of this plan: the built-in one unless given. */
export async function startGateway(
  plan: Partial<GatewayPlanInput>,
  template = TEMPLATE,
): Promise<LabGateway> {
  const whole = GatewayPlan.parse({ ...(await emptyPlan()), ...plan })
  await mkdir(join(whole.folder, 'door'), { recursive: true, mode: 0o700 })
  await chmod(whole.folder, 0o755)
  const file = join(whole.folder, 'nginx.conf')
  const quote = isHaproxy ? quoteHaproxy : quoteNginx
  const render = compile(await readFile(template, 'utf8'), quote, liveProgram())
  await writeFile(file, render(whole.live === '' ? whole : { ...whole, apps: [] }))
  const table = new Table()
  const targets = targetsOf(stepsOf(whole))
  for (const app of whole.apps) table.set(app.name, app, targets.has(app.name))
  await writeFile(join(whole.folder, 'table'), table.whole(), { mode: 0o600 })
  const nginx = await (isHaproxy ? startHaproxy : startNginx)(file)
  return {
    origin: `http://${whole.listen}`,
    port: Number(whole.listen.split(':')[1]),
    plan: whole,
    nginx,
    stop: async () => {
      await nginx.stop()
      await rm(whole.folder, { recursive: true, force: true })
    },
  }
}
