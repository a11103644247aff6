import { createHash } from 'node:crypto'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../system/client.ts'
import { type Backend, startBackend } from '../templates/backend.ts'
import { isLive } from '../templates/gateway.ts'
import { type LabController, routeOf, startControllerLab } from './gateway.ts'

let lab: LabController
let shop: Backend
let docs: Backend

beforeAll(async () => {
  ;[lab, shop, docs] = await Promise.all([
    startControllerLab(),
    startBackend('shop'),
    startBackend('docs'),
  ])
})
afterAll(async () => {
  await lab.stop()
  await Promise.all([shop.stop(), docs.stop()])
})

const appAt = async (path: string) => {
  const { status, text } = await ask(lab.origin, path)
  return status === 200 ? (JSON.parse(text) as { app: string }).app : status
}
const soon = <T>(look: () => T) => expect.poll(look, { timeout: 15_000, interval: 50 })
const reloads = () => lab.lines.filter(({ msg }) => msg === 'configuration live').length
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('a controller with its nginx and etcd', () => {
  it('gives nginx a file before etcd has said anything', async () => {
    expect(await lab.configuration()).toMatch(/^\s*# reveille generation 1\n/)
    expect(await appAt('/shop/')).toBe(503) // no launcher is known
  })

  it('routes to an endpoint as soon as it is put, and says so', async () => {
    const revision = await lab.put('Shop', shop.address)
    await soon(() => appAt('/shop/')).toBe('shop')
    await soon(() => lab.record()).toMatchObject({
      id: 'gateway-1',
      applied: revision,
      endpoints: 1,
      listen: new URL(lab.origin).host,
      rejected: [],
    })
    const { value, lease } = (await lab.store.get('/services/gateways/gateway-1')) as {
      value: string
      lease: string
    }
    expect(JSON.parse(value)).not.toHaveProperty('failure')
    expect(lease).not.toBe('0')
  })

  it('folds a burst into two runs and one for each second it lasts, and does nothing where nothing changes', async () => {
    await pause(1200)
    const before = reloads()
    const began = performance.now()
    for (let i = 0; i < 30; i++) await lab.put(`app-${i}`, docs.address)
    const seconds = Math.floor((performance.now() - began) / 1000)
    await soon(() => appAt('/app-29/')).toBe('docs')
    expect(reloads() - before).toBeLessThanOrEqual(2 + seconds)
    await pause(1500)
    const settled = reloads()
    const revision = await lab.put('app-3', docs.address)
    await soon(async () => (await lab.record())?.applied).toBe(revision)
    expect(reloads()).toBe(settled)
  })

  it('says that a delete is done when no request can go there any more', async () => {
    await lab.put('docs', docs.address)
    await soon(() => appAt('/docs/')).toBe('docs')
    const revision = await lab.store.remove('/services/clusters/docs')
    await soon(async () => BigInt((await lab.record())?.applied ?? 0)).toBeGreaterThanOrEqual(
      BigInt(revision as string),
    )
    for (let i = 0; i < 20; i++) expect(await appAt('/docs/')).toBe(503)
  })

  it('honours the delete of an endpoint nobody was routed to without a reload', async () => {
    await lab.store.put('/services/clusters/nobody', 'not an address')
    await soon(async () => (await lab.record())?.rejected.length).toBe(1)
    const before = reloads()
    const revision = await lab.store.remove('/services/clusters/nobody')
    await soon(async () => (await lab.record())?.applied).toBe(revision)
    expect((await lab.record())?.rejected).toEqual([])
    expect(reloads()).toBe(before)
  })

  it('shares the load among slots', async () => {
    await lab.store.put('/services/clusters/shop/1', docs.address) // another spelling: refused
    await lab.store.put('/services/clusters/Shop/1', docs.address)
    await soon(
      async () => new Set(await Promise.all(Array.from({ length: 8 }, () => appAt('/shop/')))),
    ).toEqual(new Set(['shop', 'docs']))
    await soon(async () => (await lab.record())?.rejected).toEqual([
      { key: '/services/clusters/shop/1', reason: 'another app has this name in another case' },
    ])
    await lab.store.remove('/services/clusters/shop/1')
    await lab.store.remove('/services/clusters/Shop/1')
    await soon(async () => (await lab.record())?.endpoints).toBe(31)
  })

  it('takes from an App whether clients stay and whether there is a route, and nothing else', async () => {
    const put = (more: object) =>
      lab.store.put(
        '/services/apps/Shop',
        JSON.stringify({ name: 'Shop', image: 'shop:1', ...more }),
      )
    const applied = async (revision: string) =>
      soon(async () => (await lab.record())?.applied).toBe(revision)
    await applied(await put({}))
    await pause(1200)
    const before = reloads()
    for (const more of [{ image: 'shop:2' }, { idleAfter: 7 }, { replicas: 3 }])
      await applied(await put(more))
    expect(reloads()).toBe(before)
    await applied(await put({ sticky: true }))
    expect(reloads()).toBe(before + (isLive ? 0 : 1))
    expect(await appAt('/shop/')).toBe('shop')
    await applied(await put({ route: 'none' }))
    expect(await appAt('/shop/')).toBe(503) // asked about at a launcher, of which there is none
    await applied((await lab.store.remove('/services/apps/Shop')) as string)
    expect(await appAt('/shop/')).toBe('shop')
  })

  it('writes the use of an app to etcd, at once and then folded', async () => {
    const key = '/services/activity/shop'
    await ask(lab.origin, '/shop/')
    await soon(() => lab.store.get(key)).not.toBeNull()
    const first = await lab.store.get(key)
    expect(Date.parse(first?.value ?? '')).toBeGreaterThan(Date.now() - 10_000)
    for (let i = 0; i < 30; i++) {
      await ask(lab.origin, '/shop/')
      await pause(50)
    }
    await soon(async () => (await lab.store.get(key))?.modRevision).not.toBe(first?.modRevision)
    expect(await lab.store.get('/services/activity/nobody')).toBeNull()
  })

  it('shows its health and its metrics', async () => {
    const admin = `http://${lab.settings.controllerAdmin}`
    const health = await ask(admin, '/healthz')
    expect(health.status).toBe(200)
    expect(JSON.parse(health.text)).toMatchObject({ ok: true, etcd: 'followed' })
    expect((await ask(admin, '/metrics')).text).toMatch(
      /reveille_gateway_reloads_total\{[^}]*result="live"[^}]*\} [1-9]/,
    )
  })

  it('is restarted without a trace: same file, same generation, no reload', async () => {
    const hash = async () =>
      createHash('sha256')
        .update(await lab.configuration())
        .digest('hex')
    await soon(() => appAt('/shop/')).toBe('shop')
    await pause(1200)
    const [file, generation] = [await hash(), (await ask(lab.origin, '/_reveille/generation')).text]
    await lab.stopController()
    expect(await appAt('/shop/')).toBe('shop')
    expect(await lab.record()).toBeNull()
    await lab.startController()
    await soon(() => lab.record()).not.toBeNull()
    expect(await hash()).toBe(file)
    expect((await ask(lab.origin, '/_reveille/generation')).text).toBe(generation)
    await lab.put('later', docs.address)
    await soon(() => appAt('/later/')).toBe('docs')
  })

  it('puts back what was there when the one before died in the middle of a change', async () => {
    await lab.stopController()
    const file = await lab.configuration()
    await writeFile(`${lab.file}.previous`, file)
    await writeFile(`${lab.file}.candidate`, 'half a configur')
    await writeFile(lab.file, '# reveille generation 999999\nnever checked')
    await lab.startController()
    expect(await lab.configuration()).toBe(file)
    for (const left of ['previous', 'candidate'])
      expect(await readdir(lab.folder)).not.toContain(`${basename(lab.file)}.${left}`)
    expect(await appAt('/shop/')).toBe('shop')
  })

  it('keeps all routes while etcd is away, and catches up', async () => {
    await lab.etcd.down()
    const health = () => ask(`http://${lab.settings.controllerAdmin}`, '/healthz')
    await soon(async () => (await health()).status).toBe(503)
    expect(await appAt('/shop/')).toBe('shop')
    await lab.stopController()
    await lab.startController() // without etcd: the file it finds stays
    expect(await appAt('/shop/')).toBe('shop')
    await lab.etcd.up()
    await lab.store.put('/services/clusters/again', docs.address).catch(() => {})
    await soon(async () => {
      await lab.store.put('/services/clusters/again', docs.address).catch(() => {})
      return appAt('/again/')
    }).toBe('docs')
    expect(await appAt('/shop/')).toBe('shop')
  })

  it('has nginx come back with the last good file after a kill', async () => {
    await lab.nginx.kill()
    await lab.put('meanwhile', docs.address)
    await soon(() => lab.routes()).toContain(isLive ? routeOf('meanwhile') : 'app_meanwhile')
    await lab.startNginx()
    expect(await appAt('/meanwhile/')).toBe('docs')
    expect(await appAt('/shop/')).toBe('shop')
  })

  it('sees an nginx that runs another generation than its file, and mends it', async () => {
    const generation = Number((await ask(lab.origin, '/_reveille/generation')).text)
    const file = await lab.configuration()
    await lab.nginx.stop()
    const older = String(generation - 1)
    const stamped = file.replace(`generation ${generation}\n`, `generation ${older}\n`)
    await writeFile(
      lab.file,
      stamped
        .replace(`return 200 "${generation}"`, `return 200 "${older}"`)
        .replace(` string ${generation} hdr`, ` string ${older} hdr`),
    )
    await lab.startNginx()
    await writeFile(lab.file, file)
    await soon(async () => (await ask(lab.origin, '/_reveille/generation')).text).toBe(
      String(generation),
    )
  })

  it('writes a file where there is none, etcd or not', async () => {
    await lab.stopController()
    await lab.nginx.stop()
    await lab.etcd.down()
    await rm(lab.file)
    await lab.startController()
    await lab.startNginx()
    // A table is a file of its own.
    expect(await appAt('/shop/')).toBe(isLive ? 'shop' : 503)
    await lab.etcd.up()
    await soon(() => appAt('/shop/')).toBe('shop')
  })
})
