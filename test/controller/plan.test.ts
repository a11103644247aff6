import { describe, expect, it } from 'vitest'
import { contest } from '../../controller/contest.ts'
import { countEndpoints, GatewayPlan } from '../../controller/plan.ts'
import { Plans } from '../../controller/plans.ts'
import { parseNetwork } from '../../model/address.ts'
import { Keys } from '../../model/key.ts'
import { PIN } from '../../model/pin.ts'
import { PLAIN } from '../../model/reading.ts'
import { State } from '../../model/state.ts'

const surroundings = {
  launchers: ['127.0.0.1:8090'],
  listen: '0.0.0.0:8080',
  activity: '127.0.0.1:8094',
  holdTimeout: 60,
  accessLog: 'off',
  silentSockets: 3600,
  reading: PLAIN,
  live: '',
  folder: '/run/reveille/nginx',
  user: 'www-data',
  connections: 1024,
  files: 2048,
}

type Sign = ((name: string) => string) | null

const planOf = (
  state: State,
  launchers = surroundings.launchers,
  generation = 1,
  sign: Sign = null,
) => {
  const plans = new Plans(state, new Keys(), { ...surroundings, launchers, sign })
  return { ...plans.whole(), generation }
}

const plain = {
  ...{ named: true, sticky: false, instances: [], signature: '' },
  ...{
    pool: false,
    balance: 'least' as const,
    weight: 1,
    weights: {},
    maxFails: 1,
    failTimeout: 5,
  },
}

function stateOf(entries: [string, string][]): State {
  const network = parseNetwork('10.9.0.0/16')
  const state = new State(new Keys(), { networks: network ? [network] : [], denied: new Set() })
  for (const [key, value] of entries)
    state.put({ key, value, modRevision: '1', createRevision: '1', lease: '0' })
  return state
}

const entries: [string, string][] = [
  ['/services/clusters/Shop', '10.9.0.5:8000'],
  ['/services/clusters/Shop/2', '10.9.0.7:8000'],
  ['/services/clusters/Shop/10', '10.9.0.8:8000'],
  ['/services/clusters/docs', '10.9.0.6:8000'],
  ['/services/launchers/l2', '10.9.0.2:8090'],
  ['/services/launchers/l1', '10.9.0.1:8090'],
]

describe('a plan', () => {
  it('has running apps by name, their endpoints by slot, and every launcher', () => {
    const plan = planOf(stateOf(entries), surroundings.launchers, 7)
    expect(plan).toEqual({
      ...surroundings,
      generation: 7,
      door: 0,
      launchers: ['10.9.0.1:8090', '10.9.0.2:8090', '127.0.0.1:8090'],
      routes: [],
      apps: [
        { name: 'docs', endpoints: ['10.9.0.6:8000'], ...plain },
        {
          name: 'shop',
          endpoints: ['10.9.0.5:8000', '10.9.0.7:8000', '10.9.0.8:8000'],
          ...plain,
        },
      ],
    })
    expect(GatewayPlan.parse(plan)).toEqual(plan)
    expect(countEndpoints(plan)).toBe(4)
  })

  it('is the same whatever order the entries came in', () => {
    const text = (list: [string, string][]) => JSON.stringify(planOf(stateOf(list)))
    expect(text([...entries].reverse())).toBe(text(entries))
  })

  it('never takes a launcher for an instance', () => {
    const plan = planOf(stateOf([...entries, ['/services/clusters/evil', '10.9.0.1:8090']]))
    expect(plan.apps.map(({ name }) => name)).toEqual(['docs', 'shop'])
  })

  describe('an address that is registered as a launcher and as an app', () => {
    const contested = (launcher: string, app: string, named: string[] = []) => {
      const network = parseNetwork('10.9.0.0/16')
      const state = new State(new Keys(), { networks: network ? [network] : [], denied: new Set() })
      const put = (key: string, createRevision: string) =>
        state.put({ key, value: '10.9.0.5:80', modRevision: '99', createRevision, lease: '0' })
      put('/services/launchers/l', launcher)
      put('/services/clusters/shop', app)
      const plan = planOf(state, named)
      const { lost } = contest(state, named)
      return { apps: plan.apps.length, launchers: plan.launchers, lost: lost.map(({ key }) => key) }
    }

    it('stays the app that runs: nobody takes its requests for those of a launcher', () => {
      expect(contested('12', '9')).toEqual({
        apps: 1,
        launchers: [],
        lost: ['/services/launchers/l'],
      })
    })

    it('stays the launcher that was there first, or is named in the settings', () => {
      const kept = { apps: 0, launchers: ['10.9.0.5:80'], lost: ['/services/clusters/shop'] }
      expect(contested('9', '12')).toEqual(kept)
      expect(contested('12', '9', ['10.9.0.5:80'])).toEqual(kept)
    })
  })

  it('names an address once', () => {
    const plan = planOf(
      stateOf([
        ['/services/clusters/a', '10.9.0.5:8000'],
        ['/services/clusters/a/1', '10.9.0.5:8000'],
      ]),
    )
    expect(plan.apps).toEqual([{ name: 'a', endpoints: ['10.9.0.5:8000'], ...plain }])
  })

  describe('what an App says about its route', () => {
    const app = (name: string, more: object): [string, string] => [
      `/services/apps/${name}`,
      JSON.stringify({ name, image: 'x:1', ...more }),
    ]
    const blueprint: [string, string] = [
      '/services/blueprints/any',
      JSON.stringify({ name: 'any', pattern: '^doc[a-z]*$', app: { image: 'x:1', sticky: true } }),
    ]
    const idsOf = (list: [string, string][], name = 'shop') =>
      planOf(stateOf(list)).apps.find((app) => app.name === name)?.instances ?? []

    it('is that there is none, whoever registered an instance', () => {
      const { apps } = planOf(stateOf([...entries, app('SHOP', { route: 'none' })]))
      expect(apps.map(({ name }) => name)).toEqual(['docs'])
    })

    it('is that routes lead to it, with or without its name', () => {
      const list = [
        ...entries,
        app('shop', { route: 'none', routes: ['/foo/bar'] }),
        app('asleep', { routes: ['asleep.example.com'] }),
      ]
      const plan = planOf(stateOf(list))
      expect(plan.apps.map(({ name, named }) => [name, named])).toEqual([
        ['docs', true],
        ['shop', false],
      ])
      expect(plan.routes).toEqual([
        { host: 'asleep.example.com', path: '', exact: false, app: 'asleep' },
        { host: '', path: '/foo/bar', exact: false, app: 'shop' },
      ])
      expect(GatewayPlan.parse(plan)).toEqual(plan)
    })

    it('is that clients stay, with an id for each instance that tells no address', () => {
      const list = [...entries, app('Shop', { sticky: true })]
      const instances = idsOf(list)
      expect(instances.map(({ endpoint }) => endpoint)).toEqual([
        '10.9.0.5:8000',
        '10.9.0.7:8000',
        '10.9.0.8:8000',
      ])
      expect(new Set(instances.map(({ id }) => id)).size).toBe(3)
      for (const { id } of instances) expect(id).toMatch(PIN)
      expect(idsOf([...list].reverse())).toEqual(instances)
      // one more moves nobody: the others keep their ids
      const more = idsOf([...list, ['/services/clusters/Shop/1', '10.9.0.6:9000']])
      expect(more.filter(({ endpoint }) => endpoint !== '10.9.0.6:9000')).toEqual(instances)
    })

    it('gives the same address another id under another app or slot', () => {
      const sticky = [app('a', { sticky: true }), app('b', { sticky: true })]
      const id = (list: [string, string][], name: string) =>
        idsOf([...sticky, ...list], name)[0]?.id
      const ids = [
        id([['/services/clusters/a', '10.9.0.5:80']], 'a'),
        id([['/services/clusters/a/1', '10.9.0.5:80']], 'a'),
        id([['/services/clusters/b', '10.9.0.5:80']], 'b'),
      ]
      expect(new Set(ids).size).toBe(3)
    })

    it('comes from a blueprint where no App is stored', () => {
      expect(planOf(stateOf([...entries, blueprint])).apps).toMatchObject([
        { name: 'docs', sticky: true },
        { name: 'shop', sticky: false },
      ])
      const stored = planOf(stateOf([...entries, blueprint, app('docs', {})]))
      expect(stored.apps).toMatchObject([{ sticky: false }, { sticky: false }])
    })

    it('is all of an App that changes a plan', () => {
      const text = (more: object) =>
        JSON.stringify(planOf(stateOf([...entries, app('Shop', { sticky: true, ...more })])))
      expect(text({ image: 'y:2', idleAfter: 7, min: 1 })).toBe(text({}))
      expect(text({ sticky: false })).not.toBe(text({}))
    })
  })
})
