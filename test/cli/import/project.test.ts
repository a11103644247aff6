import { describe, expect, it } from 'vitest'
import { readDocument } from '../../../cli/import/document.ts'
import type { Kind } from '../../../cli/import/note.ts'
import { importProject, type Plan } from '../../../cli/import/project.ts'

function plan(text: string, ...only: string[]): Plan {
  return importProject(readDocument(text, 'compose.yml'), only)
}

/** The only app of the services, which are written without what is above them. */
function appOf(...lines: string[]) {
  const { apps, notes } = plan(['services:', ...lines.map((line) => `  ${line}`)].join('\n'))
  expect(notes.filter(({ kind }) => kind === 'refused')).toEqual([])
  return apps[0]
}

const keysOf = ({ notes }: Plan, ...kinds: Kind[]): string[] =>
  notes
    .filter(({ kind }) => kinds.includes(kind))
    .map(({ line, service, key }) => `${line} ${service}.${key}`)

describe('a service', () => {
  it('becomes an app with what an app has', () => {
    const app = appOf(
      'web:',
      '  image: shop:3',
      '  ports: ["127.0.0.1:8080:3000/tcp"]',
      '  environment: [MODE=live, "NOTE=a=b", VERSION=1.10]',
      '  command: node "server one.js" --all',
      '  healthcheck: { test: ["CMD", "true"], start_period: 1m30s }',
      '  stop_grace_period: 20s',
      '  deploy:',
      '    replicas: 2',
      '    resources: { limits: { cpus: "0.5", memory: 256M, pids: 64 } }',
      '    placement: { constraints: [node.labels.zone==b, node.hostname!=h1] }',
      '  volumes: ["cache:/var/cache/shop", { type: volume, source: more, target: /more, read_only: true }]',
    )
    expect(app).toMatchObject({
      ...{ name: 'web', image: 'shop:3', port: 3000, route: 'path', replicas: 2, min: 0 },
      env: { MODE: 'live', NOTE: 'a=b', VERSION: '1.10' },
      command: ['node', 'server one.js', '--all'],
      health: { type: 'command', command: ['true'] },
      ...{ startTimeout: 90, stopTimeout: 20 },
      limits: { cpus: 0.5, memory: 256 * 1024 ** 2, pids: 64 },
      constraints: ['zone==b', 'host!=h1'],
      volumes: ['cache:/var/cache/shop', 'more:/more:ro'],
    })
  })

  it('has the limits of the older format too', () => {
    const app = appOf('web:', '  image: a:1', '  ports: [80]', '  mem_limit: 1.5g', '  cpus: 2')
    expect(app?.limits).toMatchObject({ memory: 1.5 * 1024 ** 3, cpus: 2 })
  })

  it('keeps numbers of an environment as they are written', () => {
    const app = appOf(
      'web:',
      '  image: a:1',
      '  ports: [80]',
      '  environment: { A: 1.10, B: 12345678901234567890, C: true }',
    )
    expect(app?.env).toEqual({ A: '1.10', B: '12345678901234567890', C: 'true' })
  })

  it.each([
    ['no port at all is refused', 'image: own:1', 'refused', '2 web.'],
    ['an image that is built only is refused', 'build: .', 'refused', '3 web.build'],
    ['privileged', 'image: a:1\n    ports: [80]\n    privileged: true', 'left', '5 web.privileged'],
    [
      'the network of the host',
      'image: a:1\n    ports: [80]\n    network_mode: host',
      'left',
      '5 web.network_mode',
    ],
    ['a device', 'image: a:1\n    ports: [80]\n    devices: [/dev/kvm]', 'left', '5 web.devices'],
    [
      'a bind mount',
      'image: a:1\n    ports: [80]\n    volumes: ["/etc:/host"]',
      'left',
      '5 web.volumes[0]',
    ],
    [
      'a long bind mount',
      'image: a:1\n    ports: [80]\n    volumes: [{ type: bind, source: /, target: /h }]',
      'left',
      '5 web.volumes[0]',
    ],
    ['a UDP port', 'image: a:1\n    ports: ["53:53/udp", "80:80"]', 'left', '4 web.ports[0]'],
    ['a second port', 'image: a:1\n    ports: ["80:80", "81:81"]', 'left', '4 web.ports'],
    ['a key nobody knows', 'image: a:1\n    ports: [80]\n    imagine: 1', 'left', '5 web.imagine'],
    [
      'a key every object has',
      'image: a:1\n    ports: [80]\n    constructor: 1',
      'left',
      '5 web.constructor',
    ],
    [
      'a loader variable',
      'image: a:1\n    ports: [80]\n    environment: { LD_PRELOAD: x }',
      'refused',
      '5 web.environment.LD_PRELOAD',
    ],
    [
      'a memory limit below the least',
      'image: a:1\n    ports: [80]\n    mem_limit: 1k',
      'refused',
      '2 web.deploy.memory',
    ],
    [
      'a volume at a path of the system',
      'image: a:1\n    ports: [80]\n    volumes: ["v:/etc"]',
      'refused',
      '5 web.volumes[0]',
    ],
  ] as const)('%s is told with its line', (_, body, kind, told) => {
    expect(keysOf(plan(`services:\n  web:\n    ${body}\n`), kind)).toContain(told)
  })

  it('a switch that is off is not told', () => {
    const { notes } = plan(
      'services:\n  web:\n    image: a:1\n    ports: [80]\n    privileged: false\n',
    )
    expect(notes.map(({ key }) => key)).toEqual([])
  })
})

describe('services together', () => {
  const two = (more = ''): string => `name: blog
services:
  web: { image: a:1, ports: [80], depends_on: [db] }
  db: { image: "postgres:16" }
${more}`

  it('are a group on the network they share, and wake in order', () => {
    expect(plan(two()).apps).toMatchObject([
      { name: 'web', group: 'blog', dependsOn: ['db'], route: 'path' },
      { name: 'db', group: 'blog', dependsOn: [], route: 'none', port: 5432, min: 0 },
    ])
  })

  it('apart on networks of their own are none', () => {
    const { apps } = plan(
      two().replaceAll(' }', ', networks: [NAME] }').replace('NAME', 'x').replace('NAME', 'y'),
    )
    expect(apps.map(({ group }) => group)).toEqual([undefined, undefined])
  })

  it('one that no request reaches and no other needs never sleeps', () => {
    const found = plan(two('  worker: { image: a:1, expose: [9000] }'))
    expect(found.apps[2]).toMatchObject({ name: 'worker', min: 1, replicas: 1 })
    expect(keysOf(found, 'changed')).toContain('5 worker.')
  })

  it('only those that are named are imported', () => {
    const found = plan(two(), 'db')
    expect(found.apps.map(({ name }) => name)).toEqual(['db'])
    expect(() => plan(two(), 'nobody')).toThrow('compose.yml has no service nobody')
  })

  it('that would wait for each other are refused', () => {
    const text =
      'services:\n  a1: { image: x:1, ports: [80], depends_on: [b1] }\n  b1: { image: x:1, ports: [80], depends_on: [a1] }\n'
    expect(plan(text)).toMatchObject({ apps: [] })
    expect(plan(text).notes.filter(({ kind }) => kind === 'refused')[0]?.why).toContain(
      'wait for itself',
    )
  })

  it('whose names differ by case alone are refused', () => {
    const text =
      'services:\n  web: { image: x:1, ports: [80] }\n  WEB: { image: x:1, ports: [80] }\n'
    expect(keysOf(plan(text), 'refused')).toEqual(['3 WEB.'])
  })
})

describe('variables of a shell', () => {
  const text =
    'services:\n  web:\n    image: shop:${TAG:-3}\n    ports: [80]\n    environment: { A: "$$x", B: "${MUST}" }\n'

  it('have the default of the file, or refuse the service', () => {
    const found = plan(text)
    expect(keysOf(found, 'changed')).toContain('3 web.image')
    expect(keysOf(found, 'refused')).toEqual(['5 web.environment.B'])
    expect(plan(text.replace(', B: "${MUST}"', '')).apps[0]).toMatchObject({
      image: 'shop:3',
      env: { A: '$x' },
    })
  })

  const told = (value: string) => {
    const { apps, notes } = plan(
      `services:\n  web:\n    image: a:1\n    ports: [80]\n    environment: { A: "${value}" }\n`,
    )
    return { env: apps[0]?.env, notes: notes.map(({ kind, key, why }) => `${kind} ${key}: ${why}`) }
  }

  it.each(['${FLAG:+--fast}', '${FLAG+--fast}'])('%s is left out, and told', (value) => {
    expect(told(`run ${value}`)).toEqual({
      env: { A: 'run ' },
      notes: [
        'changed environment.A: $FLAG has no value here: --fast, which is for when it has one, is left out',
      ],
    })
  })

  it.each(['${A:-${B:-x}}', '${A:+${B}}', '${A', '${1}'])(
    '%s is more than is read here: refused, and not half replaced',
    (value) => {
      const { env, notes } = told(value)
      expect(env).toBeUndefined()
      expect(notes[0]).toContain('refused environment.A: $')
    },
  )
})

describe('nginx-proxy', () => {
  it('tells host names, path and port', () => {
    const found = plan(`services:
  web:
    image: a:1
    environment:
      VIRTUAL_HOST: "A.example.com, b.example.com,*.c.org"
      VIRTUAL_PATH: /api/
      VIRTUAL_PORT: "3000"
      LETSENCRYPT_HOST: a.example.com
      OWN: "1"
  proxy: { image: "nginxproxy/nginx-proxy:1.6", ports: ["80:80"] }
`)
    expect(found.apps).toMatchObject([
      { port: 3000, routes: ['a.example.com/api', 'b.example.com/api'], env: { OWN: '1' } },
    ])
    expect(keysOf(found, 'left')).toEqual([
      '5 web.environment.VIRTUAL_HOST',
      '8 web.environment.LETSENCRYPT_HOST',
      '10 proxy.image',
    ])
    expect(keysOf(found, 'changed')).toEqual(['6 web.environment.VIRTUAL_PATH'])
  })

  it('listens on 80 where nothing says otherwise; two services for one host are refused', () => {
    const found = plan(`services:
  one: { image: "a:1", environment: [VIRTUAL_HOST=a.example.com] }
  two: { image: "a:1", environment: [VIRTUAL_HOST=a.example.com] }
`)
    expect(found.apps).toMatchObject([{ name: 'one', port: 80, routes: ['a.example.com'] }])
    expect(keysOf(found, 'refused')).toEqual(['3 two.environment[0]'])
  })
})

describe('whom the file lets in, and a gateway does not keep out,', () => {
  const toldOf = (...lines: string[]): string[] => {
    const text = ['services:', '  web:', '    image: a:1', ...lines.map((line) => `    ${line}`)]
    const { notes } = plan(text.join('\n'))
    return notes
      .filter(({ why }) => why.includes('whoever reaches the gateway'))
      .map(({ key }) => key)
  }

  it.each([
    ['ports: ["127.0.0.1:8081:80"]', 'ports'],
    ['ports: ["[::1]:8081:80"]', 'ports'],
    ['ports: [{ target: 80, published: 8081, host_ip: 127.0.0.1 }]', 'ports'],
    ['ports: ["8081:80"]', undefined],
    ['ports: ["127.0.0.1:8081:80", "10.0.0.1:8081:80"]', undefined],
    [
      'environment: { VIRTUAL_HOST: a.example.com, NETWORK_ACCESS: internal }',
      'environment.NETWORK_ACCESS',
    ],
    [
      'labels: { traefik.enable: "true", traefik.http.routers.a.middlewares: "auth@file" }',
      'labels.traefik.http.routers.a.middlewares',
    ],
    [
      'labels: ["traefik.enable=true", "traefik.http.middlewares.m.basicauth.users=u:p"]',
      'labels[1]',
    ],
    [
      'labels: { traefik.enable: "true", traefik.http.routers.a.middlewares: "sablier-a" }',
      undefined,
    ],
  ])('is told of: %s', (line, key) => {
    expect(toldOf(line)).toEqual(key === undefined ? [] : [key])
  })
})

describe('Sablier', () => {
  const text = `services:
  sablier:
    image: sablierapp/sablier:1.11.1
    command: [start, --provider.name=docker, --sessions.default-duration=10m]
    labels:
      traefik.http.middlewares.m.plugin.sablier.group: blog
      traefik.http.middlewares.m.plugin.sablier.sessionDuration: 1m30s
  web:
    image: shop:1
    labels:
      - sablier.enable=true
      - sablier.group=blog
      - sablier.active.replicas=2
      - sablier.running-hours=09:00-18:00
      - traefik.enable=true
      - traefik.http.routers.web.rule=Host(\`shop.example.com\`) && PathPrefix(\`/a\`)
      - traefik.http.services.web.loadbalancer.server.port=3000
  db:
    image: postgres:16
    labels: { sablier.enable: "true", sablier.group: blog }
  alone:
    image: whoami:1
    labels: { sablier.enable: "true", sablier.group: other }
`

  it('tells who sleeps when, and who is woken with whom', () => {
    const found = plan(text)
    expect(found.apps).toMatchObject([
      {
        ...{ name: 'web', dependsOn: ['db'], idleAfter: 90, replicas: 2, port: 3000 },
        ...{ routes: ['shop.example.com/a'], route: 'path' },
      },
      { name: 'db', route: 'none', idleAfter: 90, min: 0 },
      { name: 'alone', route: 'path', idleAfter: 600, port: 80 },
    ])
    expect(keysOf(found, 'left')).toEqual(['3 sablier.image', '14 web.labels[3]'])
  })
})

describe('routes', () => {
  const traefik = (rule: string) =>
    `{ image: a:1, labels: { traefik.enable: "true", traefik.http.routers.a.rule: "${rule}" } }`

  it("that are too many or somebody else's are told where the file says them", () => {
    const rule = 'Host(`shop.example.com`)'
    const shared = plan(`services:
  one: ${traefik(rule)}
  two: ${traefik(rule)}
  six: { image: a:1, environment: ["X=1", "VIRTUAL_HOST=shop.example.com"] }
`)
    expect(keysOf(shared, 'refused')).toEqual([
      '3 two.labels.traefik.http.routers.a.rule',
      '4 six.environment[1]',
    ])
    const labels = Array.from(
      { length: 17 },
      (_, at) => `traefik.http.routers.r${at}.rule: "Host(\`h${at}.example.com\`)"`,
    )
    const many = plan(`services:\n  one: { image: a:1, labels: { ${labels.join(', ')} } }\n`)
    expect(keysOf(many, 'refused')).toEqual(['2 one.labels.traefik.http.routers.r0.rule'])
  })
})

describe('values of the wrong kind', () => {
  const keys = [
    ...[
      'image',
      'build',
      'command',
      'entrypoint',
      'environment',
      'labels',
      'ports',
      'expose',
      'volumes',
    ],
    ...[
      'healthcheck',
      'depends_on',
      'networks',
      'deploy',
      'scale',
      'mem_limit',
      'cpus',
      'pids_limit',
    ],
    ...['stop_grace_period', 'extends', 'network_mode', 'privileged', 'toString', '__proto__', ''],
  ]
  const values = [
    null,
    true,
    -1,
    '',
    'x:y:z',
    '$',
    [],
    {},
    [null],
    [[1]],
    { a: null },
    { a: { b: [1] } },
  ]
  const inner = ['deploy', 'healthcheck', 'ports', 'volumes', 'labels', 'environment', 'depends_on']
  const nested = [
    ...['resources', 'placement', 'limits', 'replicas', 'mode', 'test', 'start_period', 'target'],
    ...['source', 'type', 'sablier.group', 'VIRTUAL_HOST', 'VIRTUAL_PORT'],
  ]

  it.each(keys)('of "%s" are told or read, and never break it', (key) => {
    for (const value of values)
      for (const rest of [{}, { image: 'a:1', ports: [80] }]) {
        const service = { ...rest, [key]: value }
        expect(() => plan(JSON.stringify({ services: { web: service } }))).not.toThrow()
      }
  })

  it.each([
    { depends_on: 'db' },
    { networks: 'front' },
    { deploy: 5 },
    { ports: 80 },
    { volumes: { a: 1 } },
    { stop_grace_period: 'soon' },
    { healthcheck: { start_period: 'soon' } },
    { environment: { VIRTUAL_PORT: 'http' } },
    { labels: { 'sablier.active.replicas': 'many' } },
    { mem_limit: 'much' },
    { command: "node 'one" },
  ])('%j is refused', (wrong) => {
    const service = { image: 'a:1', expose: [80], ...wrong }
    const { apps, notes } = plan(JSON.stringify({ services: { web: service } }))
    expect(apps).toEqual([])
    expect(notes.some(({ kind }) => kind === 'refused')).toBe(true)
  })

  it.each(inner)('within "%s" neither', (key) => {
    for (const name of nested)
      for (const value of values)
        for (const item of [{ [name]: value }, [{ [name]: value }], { a: { [name]: value } }]) {
          const service = { image: 'a:1', expose: [80], [key]: item }
          expect(() => plan(JSON.stringify({ services: { web: service } }))).not.toThrow()
        }
  })

  it.each(['networks', 'volumes', 'name', 'include', 'x-y', 'secrets'])(
    'of "%s" beside services neither',
    (key) => {
      for (const value of values)
        expect(() => plan(JSON.stringify({ [key]: value, services: { web: value } }))).not.toThrow()
    },
  )
})
