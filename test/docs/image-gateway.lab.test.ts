import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { insideOf, startMachine } from '../cli/machine.ts'
import { freshClone } from '../lab/clone.ts'
import { command } from '../lab/command.ts'
import { type Part, startPart } from '../lab/part.ts'
import { Page } from './page.ts'

const page = new Page('from/docker-api-gateway.md')
const outputs = [...page.text.matchAll(/```\n\n```\n([^]*?)```/g)].map((match) => match[1] ?? '')
const install = page.block('cli/setup/packages.sh haproxy')
const start = page.block('npx reveille up')
const first = page.block('examples/image-gateway/images.sh')
const second = page.block('docker run -d --name bar')
const stop = page.block('docker stop')
const byHost = page.block('Host: world.api.example.com')
const sleeps = page.block('reveille app add shop')
const clean = page.block('docker rmi')
const forget = page.block('rm -r /var/lib/reveille')
for (const part of ['systemctl enable', 'reveille controller --etcd', 'reveille launcher'])
  page.leave(part, 'it takes a systemd: image-gateway-systemd.lab.test.ts')
const ENGINE = 'export DOCKER_HOST=unix:///run/reveille/docker.sock\n'

it('types every block of the page, and compares what the page shows', () => {
  expect(page.left).toEqual([])
  expect(outputs).toHaveLength(4)
})

// The page says that the same is done with nginx where HAProxy is left out.
describe.each([
  ['HAProxy', start],
  ['nginx', start.replace(' --proxy haproxy', '')],
])('behind %s', (_proxy, up) => {
  let clone: string
  let machine: Part
  let gateway: Part

  /** Types a block of the page on the machine, in the folder of the project. */
  function typed(block: string): Promise<string> {
    const [file = '', ...args] = insideOf(machine)
    return command(file, ...args, 'sh', '-ec', `cd '${clone}'\n${ENGINE}${block}`)
  }

  beforeAll(async () => {
    clone = await freshClone()
    machine = await startMachine()
    await typed(install)
    const [file = '', ...args] = insideOf(machine)
    gateway = await startPart(file, [...args, 'sh', '-c', `cd '${clone}' && exec ${up}`])
    await gateway.until(async () => gateway.output.includes('Ctrl-C ends'), 90_000)
  }, 300_000)
  afterAll(async () => {
    await gateway?.end(20_000)
    await machine?.kill()
  }, 60_000)

  it('a container is reached at the name of its image, by its own address', async () => {
    expect(first).toContain(ENGINE)
    expect(await typed(first)).toContain(outputs[0])
  })

  it('a second image is, on another port', async () => {
    const out = await typed(second)
    expect(out).toContain('bar was asked for /, below /foo/bar\n')
    expect(out).toContain('hello was asked for /, below /hello/world\n')
  })

  it('what stops is a 403, and so is what was never there', async () => {
    expect(await typed(stop)).toContain(`\n${outputs[1]}`)
    for (const path of ['/', '/nobody/', '/hello/worldly/', '/hello/', '/foo/bar'])
      expect(await typed(`curl -sS -o /dev/null -w '%{http_code}' http://localhost${path}`)).toBe(
        '403',
      )
  })

  it('host names lead there, too', async () => {
    expect(await typed(byHost)).toBe(outputs[2])
  })

  it('an app that sleeps is woken behind the same gateway', async () => {
    const out = await typed(sleeps)
    expect(out).toContain(outputs[3])
    expect(out).toMatch(/^shop +1\/1 +0 +ready/m)
  })

  it('a registrar that is killed, and who shares its process, costs no request', async () => {
    // `up` starts it again; the lease of the one before ends in the middle of this. Whose port it is, on this machine.
    const asks = `
      pid=$(ss -Hltnp 'sport = :8093' | grep -o 'pid=[0-9]*' | head -1 | cut -d= -f2)
      kill -9 "$pid"
      for i in $(seq 75); do curl -s -o /dev/null -w '%{http_code} ' http://localhost/hello/world/; sleep 0.2; done`
    expect(new Set((await typed(asks)).trim().split(' '))).toEqual(new Set(['200']))
    expect(gateway.output).toContain(
      'the services (registrar, launcher, controller) ended, starting again',
    )
  })

  it('a label keeps a container to itself', async () => {
    await typed('docker run -d --name shy --label reveille.discover=false foo/bar; sleep 4')
    expect(await typed(`curl -sS -o /dev/null -w '%{http_code}' http://localhost/foo/bar/`)).toBe(
      '403',
    )
    await typed('docker rm -f shy')
  })

  it('nothing that was started by hand is ever stopped or removed', async () => {
    const state = "docker inspect -f '{{.State.Status}} {{.RestartCount}}' hello bar"
    const before = 'running 0\nexited 0\n'
    const running = await typed(state)
    if (running !== before)
      console.log(gateway.output, await typed('docker events --since 2m --until 0s || true'))
    expect(running).toBe(before)
    await typed('npx reveille sleep hello-world || true')
    await typed('npx reveille sleep shop && npx reveille host drain "$(hostname)"')
    // What sleeps has its sandbox, and nothing else.
    const left = await typed('docker ps --format "{{.Names}}" --filter label=reveille.app')
    expect(left.split('\n').filter((name) => name && !name.endsWith('.sandbox'))).toEqual([])
    expect(await typed(state)).toBe(before)
    const answer = await typed('curl -sS http://localhost/hello/world/')
    expect(answer).toContain('hello was asked for /')
  })

  it('leaves nothing behind', async () => {
    await typed(clean)
    expect(await typed('docker ps -aq; docker images -q; npx reveille app ls --json')).toBe('[]\n')
    const root = `/proc/${machine.pid}/root`
    expect(existsSync(`${root}/var/lib/reveille`)).toBe(true)
    process.kill(-gateway.pid, 'SIGINT')
    await expect.poll(() => existsSync(`${root}/run/reveille`), { timeout: 30_000 }).toBe(false)
    await gateway.gone
    await typed(forget)
    expect(existsSync(`${root}/var/lib/reveille`)).toBe(false)
  }, 90_000)
})
