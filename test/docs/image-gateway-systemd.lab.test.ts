import { afterAll, beforeAll, expect, it } from 'vitest'
import { freshClone } from '../lab/clone.ts'
import { bootMachine, type SystemdMachine } from '../lab/systemd-machine.ts'
import { Page } from './page.ts'

const page = new Page('from/docker-api-gateway.md')
const [enable = '', registrar = ''] = page.lines('systemctl enable')
const [controller = ''] = page.lines('reveille controller --etcd')
const [launcher = ''] = page.lines('reveille launcher')
const images = page.lines('examples/image-gateway/images.sh')[1] ?? ''

let machine: SystemdMachine
const typed = (line: string): Promise<string> => machine.type(`cd /opt/reveille\n${line}`)
/** What stands for a terminal of its own, in which a line is typed. */
const terminal = (name: string, line: string): Promise<string> =>
  typed(`systemd-run --quiet --unit=${name} --working-directory=/opt/reveille ${line}`)
const mainPid = (): Promise<string> => typed('systemctl show -P MainPID haproxy')

beforeAll(async () => {
  machine = await bootMachine(await freshClone(), ['10.93.0.11'])
}, 300_000)
afterAll(async () => {
  await machine?.cut()
}, 60_000)

it('an HAProxy that systemd runs is configured and reloaded as the page says', async () => {
  await typed(enable)
  await terminal('terminal-1', registrar)
  await terminal('terminal-2', controller)
  await terminal('terminal-3', launcher)
  const before = await mainPid()
  await typed(images.replace('$DOCKER_HOST', 'unix:///var/run/docker.sock'))
  await typed('docker run -d --name hello hello/world')
  const ask = 'curl -sS --retry 40 --retry-delay 1 --retry-all-errors --fail'
  expect(await typed(`${ask} http://localhost/hello/world/some/page`)).toBe(
    'hello was asked for /some/page, below /hello/world\n',
  )
  const nobody = `curl -s -o /dev/null -w '%{http_code}' http://localhost/nobody/`
  await expect.poll(() => typed(nobody), { timeout: 30_000, interval: 500 }).toBe('403')
  expect(await mainPid()).toBe(before)
  expect(await typed('journalctl -u haproxy -o cat')).toContain('Reloaded haproxy.service')
}, 180_000)
