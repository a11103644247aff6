import { EngineRelay } from '../lab/engine-relay.ts'
import { createByHand } from './by-hand.ts'
import type { Fault } from './fault.ts'
import { until } from './until.ts'

const COUNT = 5
const DROPS = 100
/** Milliseconds. */
const RIGHT = 30_000

/** The events of an engine stop coming without a word, and later break again and again: routes are right all the same. */
export const eventsDead: Fault = {
  id: 'P11',
  title: 'event stream silently dead',
  run: async ({ fleet, oracle }) => {
    const [host] = fleet.hosts
    if (!host) throw new Error('the fleet has no host')
    const names = (kind: string) => Array.from({ length: COUNT }, (_, n) => `${kind}-${n + 1}`)
    const start = async (name: string) => {
      const container = await createByHand(host, name)
      await container.start()
      return container
    }
    const relay = await EngineRelay.open(host.socket)
    try {
      await host.registrar.end()
      await host.registrar.start()
      const { pid } = host.registrar
      const old = await Promise.all(names('old').map(start))
      await oracle.settled(RIGHT)

      relay.swallow()
      await Promise.all([...names('new').map(start), ...old.map((container) => container.kill())])
      const silent = await oracle.settled(RIGHT)

      const listed = relay.holdUntilListed()
      relay.drop()
      await listed.held
      await start('between')
      listed.release()
      const between = await oracle.settled(RIGHT)

      const drops = relay.dropEach(DROPS)
      await until(`${DROPS} drops`, 300_000, () => drops() >= DROPS)
      await start('after')
      const after = await oracle.settled(RIGHT)

      const violations: string[] = []
      if (host.registrar.pid !== pid) violations.push('P11: the registrar was started anew')
      const figure = `right ${seconds(silent)} s after the changes nobody told, ${seconds(between)} s after one between list and watch, ${seconds(after)} s after ${DROPS} drops`
      return { figure, violations }
    } finally {
      await relay.close()
    }
  },
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1)
