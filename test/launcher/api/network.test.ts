import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStage, type Stage } from './stage.ts'

let closed: Stage
let open: Stage
beforeAll(async () => {
  closed = await openStage()
  open = await openStage({ hostNetwork: 'on' })
})
afterAll(() => Promise.all([closed.close(), open.close()]))

const app = { image: 'shop:1' }
const blueprint = (fields: object) => ({ pattern: '^b-[a-z]+$', app: { ...app, ...fields } })

test.each(['sandbox', 'bridge'])(
  'the network %s is stored and shown as it was given',
  async (network) => {
    const put = await closed.ask('PUT', '/v1/apps/shop', { ...app, network })
    expect(put.statusCode, put.body).toBeLessThan(300)
    expect((await closed.ask('GET', '/v1/apps/shop')).json()).toMatchObject({ network })
    const made = await closed.ask('PUT', '/v1/blueprints/shops', blueprint({ network }))
    expect(made.statusCode, made.body).toBeLessThan(300)
    expect((await closed.ask('GET', '/v1/apps/b-x')).json()).toMatchObject({ network })
  },
)

test('an app that says nothing of it has none of its own: the launcher decides when it is made', async () => {
  await closed.ask('PUT', '/v1/apps/silent', app)
  expect((await closed.ask('GET', '/v1/apps/silent')).json()).not.toHaveProperty('network')
})

test.each([
  ...['none', 'default', 'container:reveille-db-0', 'container:0123456789ab', 'ns:/proc/1/ns/net'],
  ...[
    'HOST',
    ' host',
    'host\u0000',
    'reveille-group',
    '',
    null,
    true,
    1,
    ['host'],
    { mode: 'host' },
  ],
])(
  'the network %j is refused, in an app and in a blueprint, and nothing is stored',
  async (network) => {
    const before = await open.contents()
    const answers = [
      await open.ask('POST', '/v1/apps', { name: 'bad', ...app, network }),
      await open.ask('PUT', '/v1/apps/bad', { ...app, network }),
      await open.ask('PUT', '/v1/blueprints/bad', blueprint({ network })),
    ]
    for (const answer of answers) expect(answer.statusCode, answer.body).toBe(400)
    expect(answers.map((answer) => answer.json().errors)).toEqual([
      [expect.objectContaining({ path: 'network', message: 'must be sandbox, bridge or host' })],
      [expect.objectContaining({ path: 'network', message: 'must be sandbox, bridge or host' })],
      [
        expect.objectContaining({
          path: 'app.network',
          message: 'must be sandbox, bridge or host',
        }),
      ],
    ])
    expect(await open.contents()).toEqual(before)
  },
)

test("the host's network is refused unless the operator allows it, and says how", async () => {
  const before = await closed.contents()
  const network = 'host'
  const message = expect.stringContaining('--host-network on')
  for (const [method, path, body, at] of [
    ['POST', '/v1/apps', { name: 'wide', ...app, network }, 'network'],
    ['PUT', '/v1/apps/wide', { ...app, network }, 'network'],
    ['PUT', '/v1/blueprints/wide', blueprint({ network }), 'app.network'],
  ] as const) {
    const answer = await closed.ask(method, path, body)
    expect(answer.statusCode).toBe(400)
    expect(answer.json().errors).toEqual([{ path: at, message }])
  }
  expect(await closed.contents()).toEqual(before)
  expect((await open.ask('PUT', '/v1/apps/wide', { ...app, network })).statusCode).toBe(201)
  expect((await open.ask('PUT', '/v1/blueprints/wide', blueprint({ network }))).statusCode).toBe(
    201,
  )
})

test('an app in a group has the network of its group, not that of its host', async () => {
  const answer = await open.ask('PUT', '/v1/apps/both', { ...app, network: 'host', group: 'shop' })
  expect(answer.statusCode).toBe(400)
  expect(answer.json().errors).toEqual([
    { path: 'network', message: 'must not be host in a group' },
  ])
})
