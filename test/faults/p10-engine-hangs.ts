import { setTimeout as pause } from 'node:timers/promises'
import type { LabFleet, LabHost } from '../lab/fleet/fleet.ts'
import type { Fault } from './fault.ts'
import { failed, summary } from './load.ts'
import { until } from './until.ts'
import { testApp } from './warm.ts'

const APPS = Array.from({ length: 10 }, (_, index) => `wake-${index + 1}`)
/** Milliseconds. */
const ANSWERED = 15_000
const LISTED = 500
const RECOVERED = 10_000
const PENDING = 10
/** How long the API is asked for lists, so that p99 is not the slowest but one, and between two rounds of that, milliseconds. */
const HUNG = 60_000
const BETWEEN = 100

/** The engine of one host stops answering: apps wake elsewhere, lists come, and nothing piles up. */
export const engineHangs: Fault = {
  id: 'P10',
  title: 'dockerd hangs',
  run: async ({ fleet, oracle }) => {
    const [hung] = fleet.hosts
    if (!hung) throw new Error('the fleet has no host')
    for (const name of APPS) await fleet.add(testApp(name))
    let pending = 0
    const violations: string[] = []

    await hung.dockerd.pause()
    const load = oracle.load({ apps: APPS, rate: 1_000, count: APPS.length })
    const took: number[] = []
    for (const end = performance.now() + HUNG; performance.now() < end; await pause(BETWEEN)) {
      for (const path of ['/v1/hosts', '/v1/instances']) took.push(...(await timed(fleet, path)))
      pending = Math.max(pending, await callsTo(fleet, hung))
    }
    const shots = await load.done()
    const unknown = await Promise.all(fleet.launchers.map((each) => isAlive(each, hung)))
    await hung.dockerd.resume()
    const recovered = await until('it is used again', 60_000, async () => {
      const alive = await Promise.all(fleet.launchers.map((each) => isAlive(each, hung)))
      return alive.every(Boolean)
    })

    const slowest = Math.max(...shots.map(({ began, ended }) => (ended ?? 0) - began))
    took.sort((a, b) => a - b)
    const p99 = took[Math.ceil(took.length * 0.99) - 1] ?? 0
    violations.push(...failed(shots).map((words) => `P10: ${words}`))
    if (slowest > ANSWERED) violations.push(`P10: the last was answered after ${slowest} ms`)
    if (p99 > LISTED) violations.push(`P10: lists took ${Math.round(p99)} ms (p99)`)
    if (unknown.some(Boolean)) violations.push(`P10: ${hung.name} counted as alive`)
    if (pending > PENDING) violations.push(`P10: ${pending} calls were pending at ${hung.name}`)
    if (recovered > RECOVERED) violations.push(`P10: used again after ${Math.round(recovered)} ms`)
    const figure = `${summary(shots)} in ${(slowest / 1000).toFixed(1)} s, lists ${Math.round(p99)} ms (p99), ${pending} calls pending, used again after ${(recovered / 1000).toFixed(1)} s`
    return { figure, violations }
  },
}

type Launcher = LabFleet['launchers'][number]

/** Milliseconds that every launcher took to answer. */
function timed({ launchers }: LabFleet, path: string): Promise<number[]> {
  return Promise.all(
    launchers.map(async (launcher) => {
      const { status, took } = await launcher.api('GET', path)
      return status === 200 ? took : Number.POSITIVE_INFINITY
    }),
  )
}

async function isAlive(launcher: Launcher, { name }: LabHost): Promise<boolean> {
  const { hosts } = JSON.parse((await launcher.api('GET', '/v1/hosts')).text) as {
    hosts: { name: string; alive: boolean }[]
  }
  return hosts.find((host) => host.name === name)?.alive === true
}

/** Connections that launchers have to an engine: each call has its own. */
async function callsTo({ launchers }: LabFleet, { address }: LabHost): Promise<number> {
  const lists = await Promise.all(
    launchers.map((machine) =>
      machine.exec('ss', '-Htn', 'state', 'established', `dst ${address} and dport = :2376`),
    ),
  )
  return lists.join('').split('\n').filter(Boolean).length
}
