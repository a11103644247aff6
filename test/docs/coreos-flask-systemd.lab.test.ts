import { afterAll, beforeAll, expect, it } from 'vitest'
import { freshClone } from '../lab/clone.ts'
import { bootMachine, type SystemdMachine } from '../lab/systemd-machine.ts'
import { FLASK, withoutHub } from '../unit_files/fleet/flask.ts'
import { Page } from './page.ts'

// What coreos-flask.fleet.test.ts leaves: the units. One machine is all of the page's, with all their addresses. On machines of
// their own, with certificates, it is `npm run fleet-page`.
const page = new Page('from/coreos-flask.md')
page.leave('nginx@2', 'a second gateway of the same ports: machine one is two as well')
/** In place of docs/fleet.md: an etcd and an engine without certificates. */
const SETTINGS = `
install -d /etc/reveille
cd /etc/reveille
printf '%s\\n' REVEILLE_ETCD=http://127.0.0.1:2379 REVEILLE_NETWORKS=10.93.0.0/24 > fleet.env
echo REVEILLE_ADDRESS=10.93.0.11 > registrar.env
echo REVEILLE_WAKE_LISTEN=10.93.0.11:8090 > launcher.env
echo REVEILLE_LISTEN=0.0.0.0:80 > controller.env
echo ETCDCTL_API=3 > etcdctl.env
rm -r /etc/systemd/system/docker.service.d
systemctl daemon-reload
systemctl start etcd docker
systemctl enable --now reveille-registrar reveille-launcher reveille-controller reveille-nginx`

let machine: SystemdMachine
/** What is to be installed is there, and no archive can be reached. */
const typed = (part: string): Promise<string> =>
  machine.type(withoutHub(page.block(part)).replaceAll(/^apt-get .*$/gm, ':'))
const promised = (part: string) => FLASK.find(({ command }) => command === part)?.says

beforeAll(async () => {
  machine = await bootMachine(await freshClone(), ['10.93.0.11', '10.93.0.12', '10.93.0.13'])
  await machine.type(new Page('fleet.md').block('systemd-sysusers'))
  await machine.type(SETTINGS)
}, 400_000)
afterAll(async () => {
  await machine?.cut()
}, 60_000)

it('a registry is set up, and takes the image', async () => {
  await typed('docker-registry')
  await typed('insecure-registries')
  expect(await typed('docker build')).toContain('digest: sha256:')
  await typed('docker pull')
}, 200_000)

it('gateway and launcher go by the names of the page', async () => {
  await typed('systemctl disable --now')
  await typed('nginx@1')
  const units = 'nginx@1 launcher@1 launcher-discovery@1 reveille-controller@1'
  expect(await machine.type(`systemctl is-active ${units}`)).toBe('active\n'.repeat(4))
  expect(await machine.type('systemctl is-active reveille-nginx || true')).toBe('inactive\n')
}, 120_000)

it('apps are told of, and none of them runs', async () => {
  await typed('reveille app rm A B C D')
  expect(await machine.type('docker ps -q')).toBe('')
}, 60_000)

it.each(['http://10.93.0.12/C/name', 'blueprint add letters', 'http://10.93.0.12/other/'])(
  'the block with %s says what the page promises',
  async (part) => {
    const output = await typed(part)
    expect(output).toSatisfy(promised(part) ?? (() => false))
  },
  120_000,
)

it('etcd says where they are', async () => {
  const text = await typed('etcdctl get /services/clusters/A')
  for (const app of ['A', 'B', 'C'])
    expect(text).toMatch(new RegExp(`^/services/clusters/${app}\n10\\.93\\.0\\.11:\\d+$`, 'm'))
  expect(text).toMatch(/^\/services\/launchers\/.*-1\n10\.93\.0\.11:8090$/m)
})

it('an app that systemd keeps is registered by its sidekick, and both go together', async () => {
  expect(await typed('app@kept')).toSatisfy(promised('app@kept') ?? (() => false))
  await machine.type('systemctl stop app@kept')
  expect(await machine.type('systemctl is-active app-discovery@kept || true')).toBe('inactive\n')
}, 120_000)

it('every block of the page was typed, or is left out for a reason', () => {
  expect(page.left).toEqual([])
})
