import { expect, test } from 'vitest'
import { createBody } from '../../adapters/docker-body.ts'
import { App, type AppInput } from '../../model/app.ts'

const body = (input: Omit<AppInput, 'name'>) =>
  createBody({
    name: 'reveille-a-0',
    app: App.parse({ name: 'A', ...input }),
    labels: { 'reveille.app': 'A' },
    publish: '172.17.0.1',
  })

test('a container is created from an App field by field', () => {
  const limits = { memory: '64m', cpus: 0.5, pids: 50 }
  const more = { command: ['run', '--fast'], stopTimeout: '7s', env: { NAME: 'x y' } }
  expect(body({ image: 'shop:1', port: 3000, limits, ...more })).toEqual({
    name: 'reveille-a-0',
    Image: 'shop:1',
    Cmd: ['run', '--fast'],
    Env: ['PORT=3000', 'NAME=x y'],
    Labels: { 'reveille.app': 'A' },
    ExposedPorts: { '3000/tcp': {} },
    StopTimeout: 7,
    HostConfig: {
      PortBindings: { '3000/tcp': [{ HostIp: '172.17.0.1', HostPort: '' }] },
      PublishAllPorts: false,
      RestartPolicy: { Name: 'no' },
      AutoRemove: false,
      Memory: 64 * 1024 ** 2,
      MemorySwap: 64 * 1024 ** 2,
      NanoCpus: 500_000_000,
      PidsLimit: 50,
      SecurityOpt: ['no-new-privileges'],
      CapDrop: ['NET_RAW', 'MKNOD', 'AUDIT_WRITE'],
      Privileged: false,
      Init: true,
      LogConfig: { Type: 'local', Config: { 'max-size': '10m' } },
    },
  })
})

test('an app may choose its PORT, and runs the command of its image unless it has one', () => {
  const made = body({ image: 'shop:1', env: { PORT: '9' } })
  expect(made.Env).toEqual(['PORT=9'])
  expect(made).not.toHaveProperty('Cmd')
})

test('an app in a group joins its network under its own name, and has named volumes only', () => {
  const made = createBody({
    name: 'n',
    app: App.parse({ name: 'DB', image: 'x', group: 'Shop', volumes: ['Data:/db', 'conf:/c:ro'] }),
    labels: {},
    publish: '172.17.0.1',
  })
  expect(made.HostConfig?.NetworkMode).toBe('reveille-shop')
  expect(made.NetworkingConfig).toEqual({
    EndpointsConfig: { 'reveille-shop': { Aliases: ['db'] } },
  })
  expect(made.HostConfig?.Mounts).toEqual([
    { Type: 'volume', Source: 'reveille-shop.data', Target: '/db', ReadOnly: false },
    { Type: 'volume', Source: 'reveille-shop.conf', Target: '/c', ReadOnly: true },
  ])
  expect(made.HostConfig).not.toHaveProperty('Binds')
  expect(made.HostConfig?.PortBindings).toEqual({
    '8000/tcp': [{ HostIp: '172.17.0.1', HostPort: '' }],
  })
})

test('an app in no group has volumes of its own name', () => {
  const app = App.parse({ name: 'A', image: 'x', volumes: ['data:/db'] })
  const { HostConfig } = createBody({ name: 'n', app, labels: {}, publish: '' })
  expect(HostConfig?.Mounts?.[0]?.Source).toBe('reveille-a.data')
  expect(HostConfig).not.toHaveProperty('NetworkMode')
})

test('a volume that is no named one is not rendered, however it got there', () => {
  const app = { ...App.parse({ name: 'A', image: 'x' }), volumes: ['/:/host', '/etc:/data:ro'] }
  expect(createBody({ name: 'n', app, labels: {}, publish: '' }).HostConfig?.Mounts).toEqual([])
})

test('nothing an App could smuggle in reaches privileges, mounts, devices, capabilities or namespaces', () => {
  const evil = {
    ...App.parse({ name: 'A', image: 'shop:1' }),
    ...{ HostConfig: { Privileged: true }, Binds: ['/:/host'], Privileged: true, User: 'root' },
    ...{ NetworkMode: 'host', CapAdd: ['ALL'], Devices: ['/dev/sda'], PidMode: 'host' },
  }
  const made = createBody({ name: 'n', app: evil, labels: {}, publish: '172.17.0.1' })
  expect(made).toEqual({ ...body({ image: 'shop:1' }), name: 'n', Labels: {} })
  const keys = Object.keys(made.HostConfig ?? {})
  for (const dangerous of ['Binds', 'Mounts', 'Devices', 'CapAdd', 'NetworkMode', 'PidMode'])
    expect(keys).not.toContain(dangerous)
})
