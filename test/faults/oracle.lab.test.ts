import { rename, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Docker from 'dockerode'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { labEngine } from '../lab/engine.ts'
import { temporaryFolder } from '../lab/folder.ts'
import { APP_IMAGE } from '../lab/image.ts'
import { type LabNginx, startNginx } from '../lab/nginx.ts'
import { freePort } from '../lab/port.ts'
import type { Picture } from './agreement.ts'
import type { Footprint } from './footprint.ts'
import { Oracle, type Subject } from './oracle.ts'

/** The oracle over real parts, with violations planted in them: it must see every one, and nothing where none is. */
let nginx: LabNginx
let app: Server
let answer: { status: number; app: string }
let subject: Subject
let picture: Picture
let footprint: Footprint
const socket = (): string => labEngine().url.replace('unix://', '')

const configuration = (generation: string, port: number, to: number): string => `
  pid nginx.pid; events {}
  http {
    access_log off;
    server {
      listen 127.0.0.1:${port};
      location = /_reveille/generation { default_type text/plain; return 200 "${generation}"; }
      location / { proxy_pass http://127.0.0.1:${to}; }
    }
  }`

beforeEach(async () => {
  answer = { status: 200, app: 'shop' }
  app = createServer((_request, response) => {
    response.writeHead(answer.status)
    response.end(JSON.stringify({ app: answer.app, host: 'h', bootId: 'b' }))
  })
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve))
  const port = await freePort()
  const file = join(await temporaryFolder(), 'nginx.conf')
  await writeFile(file, configuration('1', port, (app.address() as AddressInfo).port))
  nginx = await startNginx(file)
  picture = {
    routes: new Map(),
    behind: [],
    endpoints: new Map(),
    containers: [],
    healthy: new Set(),
  }
  footprint = { processes: new Map(), counts: new Map([['leases', 3]]) }
  subject = {
    gateways: [{ name: 'g1', origin: `http://127.0.0.1:${port}`, file, pid: process.pid }],
    mode: 'reload',
    engines: [{ host: 'h1', socket: socket() }],
    holdTimeout: 2,
    picture: async () => picture,
    footprint: async () => footprint,
  }
})
afterEach(async () => {
  await nginx.stop()
  await new Promise((resolve) => app.close(resolve))
})

async function putFile(text: string): Promise<void> {
  const { file } = subject.gateways[0] as Subject['gateways'][0]
  await writeFile(`${file}.new`, text)
  await rename(`${file}.new`, file)
}

it('has nothing to say where nothing is wrong', async () => {
  const oracle = await Oracle.begin(subject)
  oracle.healthy('shop')
  const shots = await oracle
    .load({ apps: ['shop'], rate: 200, arrival: 'poisson', count: 60 })
    .done()
  expect(shots.map(({ status }) => status)).toEqual(Array(60).fill(200))
  await oracle.settled()
  await oracle.quiet()
  expect(await oracle.verdict()).toEqual([])
})

it('I1, I3 and I6: answers of another app, and failures', async () => {
  const oracle = await Oracle.begin(subject)
  oracle.healthy('shop')
  answer = { status: 200, app: 'admin' }
  await oracle.load({ apps: ['shop'], rate: 100, count: 1 }).done()
  answer = { status: 500, app: 'shop' }
  await oracle.load({ apps: ['shop'], rate: 100, count: 1, keepAlive: true }).done()
  const found = (await oracle.verdict()).map((words) => words.slice(0, 2))
  expect(found).toEqual(['I1', 'I3', 'I6'])
})

it('I2: a file that nginx refuses', async () => {
  const oracle = await Oracle.begin(subject)
  await putFile('nonsense;')
  await expect
    .poll(async () => oracle.soFar().join('\n'))
    .toMatch(/g1: the file.*unknown directive/)
  await oracle.verdict()
})

it('I2: a generation that is not that of a file', async () => {
  const oracle = await Oracle.begin(subject)
  await putFile(configuration('2', await freePort(), 1))
  await oracle.verdict()
  const late = await Oracle.begin(subject)
  await expect.poll(async () => late.soFar().join('\n')).toMatch(/serves generation 1/)
  await late.verdict()
})

it('I2: a gateway that is gone', async () => {
  const oracle = await Oracle.begin(subject)
  await nginx.kill()
  await expect.poll(async () => oracle.soFar().join('\n')).toMatch(/g1: a connect failed: ECONNREF/)
  await oracle.verdict()
})

it('I4: a slot started twice, as its engine tells', async () => {
  const docker = new Docker({ socketPath: socket() })
  const oracle = await Oracle.begin(subject)
  const labels = { 'reveille.app': 'shop', 'reveille.slot': '0' }
  const start = async (): Promise<Docker.Container> => {
    const container = await docker.createContainer({ Image: APP_IMAGE, Labels: labels })
    await container.start()
    return container
  }
  const twins = [await start(), await start()]
  const found = await oracle.verdict()
  await Promise.all(twins.map((container) => container.remove({ force: true })))
  expect(found).toHaveLength(1)
  expect(found[0]).toMatch(/^I4: shop\/0 was started on h1 \([0-9a-f]{12}\) while it ran on h1/)
})

it('I5 and I7: a route that is missing, a lease that stays', async () => {
  const oracle = await Oracle.begin(subject)
  picture = { ...picture, endpoints: new Map([['shop/0', '10.9.1.1:1']]) }
  footprint = { ...footprint, counts: new Map([['leases', 4]]) }
  await oracle.settled(300)
  await oracle.quiet(300)
  const found = await oracle.verdict()
  expect(found.join('\n')).toMatch(/I5: shop\/0 has the Endpoint .* and does not run, \d+ ms after/)
  expect(found.join('\n')).toMatch(/I7: 4 leases, were 3/)
})
