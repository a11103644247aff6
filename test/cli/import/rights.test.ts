import { expect, it } from 'vitest'
import { readDocument } from '../../../cli/import/document.ts'
import { importProject, type Plan } from '../../../cli/import/project.ts'
import { parseRoute } from '../../../model/route.ts'
import { hostile } from '../../hostile/corpus.ts'

const PLAIN = { image: 'a:1', ports: ['80'] }

function plan(service: object, top: object = {}): Plan {
  const text = JSON.stringify({ services: { web: { ...PLAIN, ...service } }, ...top })
  return importProject(readDocument(text, 'compose.yml'), [])
}
const plain = plan({}).apps

it.each([
  { privileged: true },
  { privileged: 'true' },
  { volumes: ['/:/host'] },
  { volumes: ['/var/run/docker.sock:/s'] },
  { volumes: ['./here:/there', '../up:/up', '~/home:/home/x', 'C:\\data:/data'] },
  { volumes: [{ type: 'bind', source: '/etc', target: '/d' }] },
  { volumes: [{ type: 'npipe', source: 'x', target: '/d' }] },
  { network_mode: 'host' },
  { network_mode: 'container:launcher' },
  { pid: 'host' },
  { ipc: 'host' },
  { userns_mode: 'host' },
  { uts: 'host' },
  { cgroup: 'host' },
  { cgroup_parent: '/' },
  { cap_add: ['SYS_ADMIN'] },
  { security_opt: ['seccomp=unconfined', 'apparmor=unconfined'] },
  { devices: ['/dev/sda:/d:rwm'] },
  { device_cgroup_rules: ['b 8:* rwm'] },
  { volumes_from: ['launcher'] },
  { runtime: 'evil' },
  { sysctls: { 'kernel.core_pattern': '|/x' } },
  { use_api_socket: true },
  { labels: { 'reveille.app': 'admin' } },
  { gpus: 'all' },
  { secrets: ['s'], configs: ['c'] },
  { user: 'root' },
  { entrypoint: ['/bin/sh'] },
])('%j gives an app nothing, and is named', (service) => {
  const { apps, notes } = plan(service)
  expect(apps).toEqual(plain)
  for (const key of Object.keys(service))
    expect(notes.filter((note) => note.kind === 'left' && note.key.startsWith(key))).not.toEqual([])
})

it.each([
  { mem_limit: 0 },
  { mem_limit: -1 },
  { pids_limit: -1 },
  { cpus: 0 },
  { volumes: ['v:/etc'] },
  { volumes: ['v:/a:b:c'] },
  { environment: { LD_PRELOAD: '/x.so' } },
])('%j is refused', (service) => {
  const { apps, notes } = plan(service)
  expect([apps, notes.some(({ kind }) => kind === 'refused')]).toEqual([[], true])
})

it('a volume that is a folder of the host by its driver is a plain one here', () => {
  const options = { type: 'none', o: 'bind', device: '/etc' }
  const volumes = { v: { driver: 'local', driver_opts: options }, w: { external: true } }
  const { apps, notes } = plan({ volumes: ['v:/d'] }, { volumes })
  expect(apps).toMatchObject([{ volumes: ['v:/d'] }])
  const left = notes.filter(({ kind }) => kind === 'left').map(({ key }) => key)
  expect(left).toEqual(expect.arrayContaining(['volumes.v.driver_opts', 'volumes.w.external']))
})

it.each(hostile('create.api'))(
  'what the API refuses, $value, gives an app nothing',
  ({ value }) => {
    const { apps } = plan(JSON.parse(value) as object)
    expect(apps).toEqual(plain)
  },
)

it('labels and variables lead to no route that an app may not have', () => {
  const entries = [
    ...hostile('container.label'),
    ...hostile('request.path'),
    ...hostile('app.name'),
  ]
  for (const { value } of entries)
    for (const service of [
      { environment: { VIRTUAL_HOST: value } },
      { environment: { VIRTUAL_HOST: 'a.example.com', VIRTUAL_PATH: value } },
      { labels: { 'traefik.http.routers.x.rule': `Host(\`${value}\`)` } },
      { labels: { 'sablier.enable': 'true', 'sablier.group': value } },
    ])
      for (const { routes } of plan(service).apps)
        expect(
          routes.every((route) => parseRoute(route) !== null),
          value,
        ).toBe(true)
})
