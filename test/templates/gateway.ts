import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { GatewayPlanInput } from '../../controller/plan.ts'
import { quoteHaproxy, quoteNginx } from '../../controller/quote.ts'
import { compile } from '../../controller/render.ts'
import { temporaryFolder } from '../lab/folder.ts'
import { type LabHaproxy, startHaproxy } from '../lab/haproxy.ts'
import { type LabLauncher, startLauncher } from '../lab/launcher.ts'
import { type LabNginx, startNginx } from '../lab/nginx.ts'
import { freePort } from '../lab/port.ts'
import { startCarrying } from './carrying.ts'

/** Which proxy the tests of this file try: those named *.haproxy.test.ts run the others with HAProxy. */
export const isHaproxy = process.env.REVEILLE_TEST_PROXY === 'haproxy'
export const TEMPLATE = join(
  import.meta.dirname,
  '../../templates',
  isHaproxy ? 'haproxy.cfg.njk' : 'nginx.conf.njk',
)

/** A scripted launcher that is asked as the proxy under test does it. */
export function openLauncher(): Promise<LabLauncher> {
  return isHaproxy ? startCarrying() : startLauncher()
}

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
  const whole = { ...(await emptyPlan()), ...plan }
  await mkdir(whole.folder, { recursive: true })
  const file = join(whole.folder, 'nginx.conf')
  await writeFile(
    file,
    compile(await readFile(template, 'utf8'), isHaproxy ? quoteHaproxy : quoteNginx)(whole),
  )
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
