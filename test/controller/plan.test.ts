import { describe, expect, it } from 'vitest'
import { contest } from '../../controller/contest.ts'
import { countEndpoints, GatewayPlan, planGateway } from '../../controller/plan.ts'
import { parseNetwork } from '../../model/address.ts'
import { Keys } from '../../model/key.ts'
import { State } from '../../model/state.ts'

const surroundings = {
  launchers: ['127.0.0.1:8090'],
  listen: '0.0.0.0:8080',
  activity: '127.0.0.1:8094',
  holdTimeout: 60,
  folder: '/run/reveille/nginx',
  user: 'www-data',
  connections: 1024,
  files: 2048,
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

describe('planGateway', () => {
  it('has running apps by name, their endpoints by slot, and every launcher', () => {
    const plan = planGateway(stateOf(entries), surroundings, 7)
    expect(plan).toEqual({
      ...surroundings,
      generation: 7,
      launchers: ['10.9.0.1:8090', '10.9.0.2:8090', '127.0.0.1:8090'],
      apps: [
        { name: 'docs', endpoints: ['10.9.0.6:8000'] },
        { name: 'shop', endpoints: ['10.9.0.5:8000', '10.9.0.7:8000', '10.9.0.8:8000'] },
      ],
    })
    expect(GatewayPlan.parse(plan)).toEqual(plan)
    expect(countEndpoints(plan)).toBe(4)
  })

  it('is the same whatever order the entries came in', () => {
    const text = (list: [string, string][]) =>
      JSON.stringify(planGateway(stateOf(list), surroundings, 1))
    expect(text([...entries].reverse())).toBe(text(entries))
  })

  it('never takes a launcher for an instance', () => {
    const plan = planGateway(
      stateOf([...entries, ['/services/clusters/evil', '10.9.0.1:8090']]),
      surroundings,
      1,
    )
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
      const plan = planGateway(state, { ...surroundings, launchers: named }, 1)
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
    const plan = planGateway(
      stateOf([
        ['/services/clusters/a', '10.9.0.5:8000'],
        ['/services/clusters/a/1', '10.9.0.5:8000'],
      ]),
      surroundings,
      1,
    )
    expect(plan.apps).toEqual([{ name: 'a', endpoints: ['10.9.0.5:8000'] }])
  })
})
