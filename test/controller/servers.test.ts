import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { GatewayPlanInput } from '../../controller/plan.ts'
import { quoteHaproxy } from '../../controller/quote.ts'
import { compile, type Template } from '../../controller/render.ts'
import { moveServers, type Running, readRunning } from '../../controller/servers.ts'

type Apps = GatewayPlanInput['apps']
let render: Template
const plan: GatewayPlanInput = {
  ...{ generation: 7, apps: [], launchers: ['10.9.0.1:8090'], listen: '0.0.0.0:8080' },
  ...{ activity: '127.0.0.1:8094', holdTimeout: 60, folder: '/run/reveille', user: '' },
  ...{ connections: 1024, files: 2048 },
}
const text = (apps: Apps, more: Partial<GatewayPlanInput> = {}) =>
  render({ ...plan, ...more, apps })
const shop = (...endpoints: string[]) => ({ name: 'shop', endpoints })
const other = (...endpoints: string[]) => ({ name: 'other', endpoints })
const A = '10.9.0.5:8000'
const B = '[fd00::5]:8000'
const OPTIONS =
  'weight 1 downinter 5s error-limit 1 check inter 1h fall 1 rise 1 observe layer4 on-error mark-down pool-purge-delay 1s'
const ready = (id: string) => `set server ${id} state ready`
const maint = (id: string) => `set server ${id} state maint`
const add = (id: string, address: string) => [
  `add server ${id} ${address} ${OPTIONS}`,
  `enable health ${id}`,
  ready(id),
]
const move = (from: string | Running, to: string) =>
  moveServers(typeof from === 'string' ? readRunning(from) : from, to)

beforeAll(async () => {
  const file = join(import.meta.dirname, '../../templates/haproxy.cfg.njk')
  render = compile(await readFile(file, 'utf8'), quoteHaproxy)
})

describe('servers are changed while it runs', () => {
  it('nothing where nothing but the number differs', () => {
    expect(move(text([shop(A)]), text([shop(A)], { generation: 8 }))?.commands).toEqual([])
  })

  it('one comes', () => {
    expect(move(text([shop(A)]), text([shop(A, B)]))?.commands).toEqual(
      add('app_shop/fd00::5:8000', B),
    )
  })

  it('one goes', () => {
    expect(move(text([shop(A, B)]), text([shop(B)]))?.commands).toEqual([
      maint('app_shop/10.9.0.5:8000'),
    ])
  })

  it('an address changes: the new one is there before the old one goes', () => {
    expect(move(text([shop(A)]), text([shop(B)]))?.commands).toEqual([
      ...add('app_shop/fd00::5:8000', B),
      maint('app_shop/10.9.0.5:8000'),
    ])
  })

  it('an app sleeps and wakes: its backend has stayed', () => {
    const asleep = move(text([other(A), shop(B)]), text([shop(B)]))
    expect(asleep?.commands).toEqual(['add acl #1000 other', maint('app_other/10.9.0.5:8000')])
    const after = asleep?.after as Running
    expect(move(after, text([shop(B)]))?.commands).toEqual([])
    expect(move(after, text([other(A), shop(B)]))?.commands).toEqual([
      ready('app_other/10.9.0.5:8000'),
      'del acl #1000 other',
    ])
    expect(move(after, text([other('10.9.0.6:80'), shop(B)]))?.commands).toEqual([
      ...add('app_other/10.9.0.6:80', '10.9.0.6:80'),
      'del acl #1000 other',
    ])
  })

  it('what it was told is not changed by what comes next', () => {
    const running = readRunning(text([shop(A)]))
    move(running, text([shop(B)]))
    expect(running).toEqual(readRunning(text([shop(A)])))
  })

  it('one that is not checked comes', () => {
    const unchecked = { maxFails: 0 }
    const moved = move(
      text([{ ...shop(A), ...unchecked }]),
      text([{ ...shop(A, B), ...unchecked }]),
    )
    expect(moved?.commands).toEqual([
      `add server app_shop/fd00::5:8000 ${B} weight 1 pool-purge-delay 1s`,
      ready('app_shop/fd00::5:8000'),
    ])
  })
})

describe('all else is a reload', () => {
  const pins = (...endpoints: string[]) =>
    endpoints.map((endpoint, slot) => ({ id: `${slot}`.repeat(16), endpoint }))
  const sticky = (...endpoints: string[]) => ({
    ...{ ...shop(...endpoints), sticky: true, balance: 'sticky' as const },
    instances: pins(...endpoints),
  })
  const hashed = (...endpoints: string[]) => ({
    ...{ ...shop(...endpoints), balance: 'ip_hash' as const },
  })
  it.each<[string, () => [string, string]]>([
    ['an app that never ran', () => [text([shop(A)]), text([other(B), shop(A)])]],
    ['another weight', () => [text([shop(A)]), text([{ ...shop(A), weight: 2 }])]],
    ['another balance', () => [text([shop(A)]), text([hashed(A)])]],
    ['a server of a sticky app', () => [text([sticky(A)]), text([sticky(A, B)])]],
    ['one less of a sticky app', () => [text([sticky(A, B)]), text([sticky(A)])]],
    ['a server that clients are hashed to', () => [text([hashed(A)]), text([hashed(A, B)])]],
    ['a launcher', () => [text([shop(A)]), text([shop(A)], { launchers: [B, '10.9.0.1:8090'] })]],
    ['another launcher', () => [text([shop(A)]), text([shop(A)], { launchers: [B] })]],
    [
      'a backend of a template of its own that is no more',
      () => [`${text([shop(A)])}backend mine\n`, text([shop(A)])],
    ],
    [
      'a route',
      () => [
        text([shop(A)]),
        text([shop(A)], { routes: [{ host: '', path: '/x', exact: false, app: 'shop' }] }),
      ],
    ],
    [
      'a template with defaults for servers',
      () => {
        const own = (apps: Apps) =>
          text(apps).replace('defaults app', 'defaults app\n  default-server ssl\n#')
        return [own([shop(A)]), own([shop(A, B)])]
      },
    ],
    [
      'words that a command would have in another way',
      () => {
        const own = (apps: Apps) => text(apps).replaceAll('weight 1', 'sni str(a\\ b)')
        return [own([shop(A)]), own([shop(A, B)])]
      },
    ],
  ])('%s', (_, texts) => {
    const [from, to] = texts()
    expect(move(from, to)).toBeNull()
  })
})
