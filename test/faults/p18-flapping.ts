import { setTimeout as pause } from 'node:timers/promises'
import type { Fault } from './fault.ts'
import { failed, summary } from './load.ts'
import { Registrations } from './registrations.ts'
import { OpenSockets } from './sockets.ts'
import { reloadsOf, routesOf } from './subject.ts'
import { until } from './until.ts'
import { testApp, warm } from './warm.ts'
import { WorkerWatch } from './worker-watch.ts'

const SECONDS = 60
/** Changes of registrations a second, of so many apps; one in so many is of an instance of the app that is asked. */
const CHANGES = 100
const APPS = 20
const OWN = 10
const RATE = 200
const SOCKETS = 100
/** Of what was to be sent, this share must have been, on a machine that is busy with everything else. */
const SHARE = 0.95
/** Of gateways that reload at most once a second. Those that are live do not. */
const RELOADS = { live: 0, reload: SECONDS }
/** Workers that only end what they had begun, of one gateway. */
const OLD = { live: 0, reload: 5 }
/** Milliseconds of quiet until the last change is live. */
const LAST = 2_000

/** Instances register and leave a hundred times a second: who is connected stays so, and who asks is answered. */
export const flapping: Fault = {
  id: 'P18',
  title: 'flapping',
  run: async (stage) => {
    const { fleet, oracle, subject } = stage
    const { gateways, mode } = subject
    await warm(stage, [testApp('shop', { replicas: 2 }), testApp('talk')])
    await oracle.settled()
    const registrations = await Registrations.open(fleet)
    const origins = gateways.map(({ origin }) => origin)
    const sockets = await OpenSockets.open(origins, '/talk/', SOCKETS)
    const before = await reloadsOf(fleet)
    const workers = await WorkerWatch.begin(subject)
    const done = oracle.healthy('shop')
    // A client that keeps its connections loses a request to a reload now and then, whoever reloads.
    const loads = [mode === 'live', false].map((keepAlive) =>
      oracle.load({ apps: ['shop'], rate: RATE / 2, keepAlive }),
    )
    try {
      const { seconds, refused } = await flap(registrations)
      await registrations.put('last')
      const last = await until('the last change is live', 60_000, async () =>
        [...(await routesOf(gateways)).values()].every((apps) => apps.has('last')),
      )
      const shots = (await Promise.all(loads.map((load) => load.stop()))).flat()
      const reloads = (await reloadsOf(fleet)).map((count, index) => count - (before[index] ?? 0))
      const { old, stayed } = await workers.stop()
      const cut = await sockets.close()
      await registrations.close()
      await oracle.settled()

      const violations = [...failed(shots), ...cut]
      if (shots.length < RATE * SECONDS * SHARE) violations.push(`only ${shots.length} requests`)
      if (refused > CHANGES * SECONDS * (1 - SHARE))
        violations.push(`etcd refused ${refused} changes`)
      if (seconds > SECONDS / SHARE) violations.push(`the changes took ${seconds.toFixed(1)} s`)
      if (Math.max(...reloads) > RELOADS[mode]) violations.push(`${reloads.join(' and ')} reloads`)
      if (old > OLD[mode]) violations.push(`${old} old workers`)
      if (mode === 'live' && !stayed) violations.push('there are other workers than before')
      if (last > LAST) violations.push(`the last change was live after ${Math.round(last)} ms`)
      const figure = `${CHANGES * SECONDS - refused} changes in ${seconds.toFixed(1)} s, ${reloads.join(' and ')} reloads, ${summary(shots)}, ${SOCKETS - cut.length} of ${SOCKETS} sockets open, last change live after ${(last / 1000).toFixed(1)} s`
      return { figure, violations: violations.map((words) => `P18: ${words}`) }
    } finally {
      done()
      await Promise.all([workers.stop(), sockets.close(), ...loads.map((load) => load.stop())])
      await registrations.close()
    }
  },
}

/** Every Endpoint is put and removed in turn. Resolves when etcd has answered to all of it. */
async function flap(registrations: Registrations): Promise<{ seconds: number; refused: number }> {
  const writes: Promise<unknown>[] = []
  let refused = 0
  const began = performance.now()
  for (let change = 0; change < CHANGES * SECONDS; change++) {
    const early = began + (change * 1_000) / CHANGES - performance.now()
    if (early > 1) await pause(early)
    const isOwn = change % OWN === 0
    const turn = Math.floor(change / (isOwn ? OWN : APPS)) % 2
    const [app, slot] = isOwn ? ['shop', 2] : [`flap-${change % APPS}`, 0]
    const write = turn === 0 ? registrations.put(app, slot) : registrations.remove(app, slot)
    writes.push(write.catch(() => refused++))
  }
  await Promise.all(writes)
  return { seconds: (performance.now() - began) / 1_000, refused }
}
