import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, request } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { join } from 'node:path'
import Docker from 'dockerode'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { openEngine } from '../../../adapters/docker-open.ts'
import { SANDBOX_IMAGE } from '../../../adapters/sandbox-image.ts'
import { loadSettings } from '../../../adapters/settings.ts'
import { prepareDemo } from '../../../cli/embedded/demo.ts'
import { ROOT } from '../../../cli/embedded/root.ts'
import { App } from '../../../model/app.ts'
import { DEMO_IMAGE } from '../../../model/image.ts'
import { makeCa, makeCertificate } from '../../lab/certificate.ts'
import { command } from '../../lab/command.ts'
import { clearEngine, labEngine } from '../../lab/engine.ts'
import { temporaryFolder } from '../../lab/folder.ts'
import { labLeftovers } from '../../lab/leftovers.ts'
import { startSshd } from '../../lab/sshd.ts'

// What a demo leaves of itself in an engine that is somebody's own, however that is reached.

const { url, address } = labEngine()
const socketPath = url.slice('unix://'.length)
const docker = new Docker({ socketPath })
const engine = openEngine(url)
const servers: Server[] = []
const leftovers = labLeftovers()
const IMAGES = [DEMO_IMAGE, SANDBOX_IMAGE]

const forget = (image: string): Promise<unknown> =>
  docker
    .getImage(image)
    .remove()
    .catch(() => {})

beforeAll(async () => {
  await command('bash', join(ROOT, 'cli/setup/demo-image.sh'), url)
  await forget(SANDBOX_IMAGE)
}, 90_000)
afterEach(async () => {
  await clearEngine()
  await forget(SANDBOX_IMAGE)
})
afterAll(async () => {
  for (const server of servers) server.close()
  await forget(DEMO_IMAGE)
})

/** Leaves a sandbox as it is before its container is made, or after that was not made any more. */
async function leaveSandbox(name: string): Promise<void> {
  const app = App.parse({ name, image: DEMO_IMAGE })
  const container = `reveille-${name.toLowerCase()}-0`
  const labels = { 'reveille.app': name, 'reveille.slot': '0', 'reveille.port': '8000' }
  const publish = address
  const id = await engine.create({ name: container, app, labels, publish, network: 'sandbox' })
  await docker.getContainer(id).remove()
}

/** Hands calls on to the engine, but for those that it refuses. */
function relay(refuses: (call: IncomingMessage) => boolean = () => false): RequestListener {
  return (call, answer) => {
    if (refuses(call)) {
      answer.writeHead(500, { 'content-type': 'application/json' })
      return void answer.end('{"message":"the disk is broken"}')
    }
    const { method, url: path, headers } = call
    const onward = request({ socketPath, method, path, headers }, (reply) => {
      answer.writeHead(reply.statusCode ?? 500, reply.headers)
      reply.pipe(answer)
    })
    call.pipe(onward)
  }
}

async function serve(server: Server): Promise<string> {
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`
}

it('a demo takes sandboxes of its own apps with it, not one of another whose container comes yet', async () => {
  await leaveSandbox('D')
  const demo = await prepareDemo(url, loadSettings({}, {}))
  for (const name of ['A', 'demo-1', 'shop']) await leaveSandbox(name)
  await demo.clear()
  const left = (await engine.loneSandboxes()).map(({ app }) => app)
  expect(left.sort()).toEqual(['D', 'shop'])
})

/** The engine behind TLS, and the settings that lead to it. */
async function behindTls(): Promise<{ there: string; flags: Record<string, string> }> {
  const folder = await temporaryFolder()
  const ca = await makeCa(folder)
  const server = await makeCertificate(folder, 'server', ca, ['127.0.0.1'])
  const client = await makeCertificate(folder, 'client', ca)
  const [cert, key] = [readFileSync(server.cert), readFileSync(server.key)]
  const tls = { ca: readFileSync(ca.cert), cert, key, requestCert: true }
  const there = await serve(createSecureServer(tls, relay()))
  return { there, flags: { dockerCa: ca.cert, dockerCert: client.cert, dockerKey: client.key } }
}

/** The engine behind sshd, and the settings that lead to it. */
async function behindSsh(): Promise<{ there: string; flags: Record<string, string> }> {
  const sshd = await startSshd(join(await temporaryFolder(), 'ssh'))
  leftovers.push(() => sshd.end())
  const there = `ssh://${sshd.user}@127.0.0.1:${sshd.port}${socketPath}`
  return { there, flags: { dockerSsh: sshd.configuration } }
}

it.each([
  ['with TLS', behindTls],
  ['behind ssh', behindSsh],
])(
  'a demo gives its images to an engine %s, and takes them out of it',
  async (_, open) => {
    await forget(DEMO_IMAGE)
    const { there, flags } = await open()
    const demo = await prepareDemo(there, loadSettings(flags, {}))
    await leaveSandbox('A') // which needs both images
    for (const image of IMAGES) expect(await engine.hasImage(image)).toBe(true)
    await demo.clear()
    for (const image of IMAGES) expect(await engine.hasImage(image)).toBe(false)
  },
  90_000,
)

it('a demo whose one image cannot be removed says so and removes the other', async () => {
  await forget(DEMO_IMAGE)
  const isOfDemo = ({ method, url: path }: IncomingMessage): boolean =>
    method === 'DELETE' && decodeURIComponent(path ?? '').includes(DEMO_IMAGE)
  const demo = await prepareDemo(await serve(createServer(relay(isOfDemo))), loadSettings({}, {}))
  await leaveSandbox('A')
  await expect(demo.clear()).rejects.toThrow('the disk is broken')
  expect(await engine.hasImage(SANDBOX_IMAGE)).toBe(false)
  expect(await engine.hasImage(DEMO_IMAGE)).toBe(true)
}, 90_000)
