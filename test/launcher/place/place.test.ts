import { expect, it } from 'vitest'
import { type Candidate, judge, place, type Rules } from '../../../launcher/place/place.ts'
import { revisionOf } from '../../../launcher/revision.ts'
import { App } from '../../../model/app.ts'
import type { Container } from '../../../model/container.ts'
import { writeLabels } from '../../../model/label.ts'
import { Host } from '../../../model/record.ts'

const app = App.parse({ name: 'shop', image: 'shop:1', limits: { memory: '512m', cpus: 1 } })

const MIB = 2 ** 20
const NOTHING = { memory: 0, cpus: 0, instances: 0 }
const EMPTY = { container: null, trouble: null, promised: NOTHING, siblings: 0 }
const rules: Rules = {
  limit: ({ memory, cpus }) => ({ memory: memory * 2, cpus: cpus * 4, instances: 20 }),
}

interface More extends Partial<Omit<Candidate, 'host' | 'promised'>> {
  promised?: Partial<Candidate['promised']>
  host?: Partial<Host>
}

function candidate(name: string, { host = {}, promised = {}, ...more }: More = {}): Candidate {
  const where = { name, address: '10.9.0.1', engine: 'tcp://10.9.0.1:2375', publish: '10.9.0.1' }
  const record = Host.parse({ ...where, cpus: 2, memory: 2048 * MIB, ...host })
  return { ...EMPTY, ...more, host: record, promised: { ...NOTHING, ...promised } }
}

function container(state: Container['state'], revision = revisionOf(app)): Container {
  const { port, health, idleAfter, stopTimeout, min } = app
  const spec = { app: app.name, slot: 0, port, health, idleAfter, stopTimeout, min, revision }
  const rest = { exitCode: 0, error: '', health: 'none', published: {}, pid: 0 } as const
  return {
    ...{ id: 'c', name: 'reveille-shop-0', state, image: 'shop:1' },
    ...{ labels: writeLabels(spec), ...rest },
  }
}

function chosen(...candidates: Candidate[]): string {
  return chosenFor(app, ...candidates)
}

function chosenFor(given: App, ...candidates: Candidate[]): string {
  const placed = place(given, candidates, rules)
  return placed.ok ? placed.chosen.host.name : placed.reason
}

const half = { promised: { memory: 2048 * MIB } }
const full = candidate('full', half)
const empty = candidate('empty')
const image = candidate('image', { host: { images: ['shop:1'] }, ...half })

it('prefers the running container, then the stopped one, then the image, then the emptiest host', () => {
  const stopped = candidate('stopped', { container: container('exited'), ...half })
  const running = candidate('running', { container: container('running'), ...half })
  expect(chosen(full, empty, image, stopped, running)).toBe('running')
  expect(chosen(full, empty, image, stopped)).toBe('stopped')
  expect(chosen(full, empty, image)).toBe('image')
  expect(chosen(full, empty)).toBe('empty')
})

it('goes to no host for a container of an older App, but for one that was made by hand or is paused', () => {
  const at = (state: Container['state'], revision: string) =>
    chosen(image, empty, candidate('it', { container: container(state, revision), ...half }))
  expect(at('exited', 'abc')).toBe('image')
  expect(at('exited', '')).toBe('it')
  expect(at('paused', 'abc')).toBe('it')
  expect(at('running', 'abc')).toBe('it')
})

it('asks no room for what has it already, running or paused', () => {
  const at = (state: Container['state']) => {
    const promised = { instances: 1_000_000 }
    return chosen(candidate('there', { container: container(state), promised }), empty)
  }
  expect([at('running'), at('paused'), at('exited')]).toEqual(['there', 'there', 'empty'])
})

it('takes the host with the smallest share promised, of whatever it has least of', () => {
  const memory = candidate('memory', { promised: { memory: 1024 * MIB } })
  const cpus = candidate('cpus', { promised: { cpus: 4 } })
  const many = candidate('many', { promised: { instances: 15 } })
  expect(chosen(many, cpus, memory)).toBe('memory')
  expect(chosen(many, cpus)).toBe('cpus')
})

it('takes equal hosts in order of their names', () => {
  expect(chosen(candidate('b'), candidate('a'))).toBe('a')
})

it('takes an image without a tag for :latest', () => {
  const untagged = { ...app, image: 'registry:5000/shop' }
  const b = candidate('b', { host: { images: ['registry:5000/shop:latest'] } })
  expect(chosenFor(untagged, candidate('a'), b)).toBe('b')
})

it('keeps the instances of an app apart where it can, and strictly where it must', () => {
  const strict = { ...app, antiAffinity: 'require' as const }
  const twin = candidate('twin', { siblings: 1, container: container('exited') })
  expect(chosen(twin, full)).toBe('full')
  expect(chosen(twin)).toBe('twin')
  expect(chosenFor(strict, twin, full)).toBe('full')
  expect(chosenFor(strict, twin)).toBe('twin has another instance of it')
})

it('keeps to the constraints', () => {
  const bound = { ...app, constraints: ['zone==b', 'host!=b1'] }
  const a = candidate('a1', { host: { labels: { zone: 'a' } } })
  const [b1, b2] = ['b1', 'b2'].map((name) => candidate(name, { host: { labels: { zone: 'b' } } }))
  if (!b1 || !b2) throw new Error('there are two')
  expect(chosenFor(bound, a, b1, b2)).toBe('b2')
  expect(chosenFor(bound, a, b1)).toBe('a1 does not meet zone==b; b1 does not meet host!=b1')
})

it('leaves out hosts in trouble and those that are too small, and says so', () => {
  const broken = candidate('broken', { trouble: 'has an engine that fails' })
  const small = candidate('small', { host: { memory: MIB } })
  const slow = candidate('slow', { host: { cpus: 0.5 } })
  expect(chosen(broken, small, slow)).toBe(
    'broken has an engine that fails; slow has only 0.5 CPUs; small has too little memory',
  )
  expect(chosen(broken, small, candidate('good'))).toBe('good')
  expect(chosen()).toBe('no host is registered')
  const many = Array.from({ length: 7 }, (_, i) => candidate(`h${i}`, { trouble: 'is off' }))
  expect(chosen(...many)).toMatch(/^(?:h[0-4] is off; ){5}and 2 more hosts$/)
})

it('leaves out what is barred, also where its container runs', () => {
  const barred = ({ host }: Pick<Candidate, 'host'>) =>
    host.name === 'a' ? 'is being drained' : null
  const a = candidate('a', { container: container('running') })
  expect(place(app, [a], { ...rules, barred })).toEqual({ ok: false, reason: 'a is being drained' })
  const placed = place(app, [a, candidate('b')], { ...rules, barred })
  expect(placed).toMatchObject({ ok: true, chosen: { host: { name: 'b' } } })
})

it.each([
  [{ memory: 3891 * MIB }, '3891 MiB of 4096 MiB are promised and it needs 512 MiB'],
  [{ cpus: 7.5 }, '7.5 of 8 CPUs are promised and it needs 1'],
  [{ instances: 20 }, '20 of 20 instances are there'],
])('starts nothing beside %j, and says why; what runs there is fine', (promised, reason) => {
  expect(chosen(candidate('a', { promised }))).toBe(`a has no room: ${reason}`)
  expect(chosen(candidate('a', { promised, container: container('running') }))).toBe('a')
})

it('fills a host to the brim', () => {
  expect(chosen(candidate('a', { promised: { memory: 3584 * MIB, cpus: 7, instances: 19 } }))).toBe(
    'a',
  )
})

it('pulls nothing onto a disk that is full', () => {
  const disk = 100 * MIB
  expect(chosen(candidate('a', { host: { disk } }))).toBe(
    'a has only 100 MiB of disk left, and not the image',
  )
  expect(chosen(candidate('a', { host: { disk, images: ['shop:1'] } }))).toBe('a')
  expect(chosen(candidate('a', { host: { disk }, container: container('exited') }))).toBe('a')
})

it('judges every host, the possible ones first', () => {
  const broken = candidate('broken', { trouble: 'is off' })
  expect(
    judge(app, [broken, full, image], rules).map(({ host, refusal }) => [host.name, refusal]),
  ).toEqual([
    ['image', null],
    ['full', null],
    ['broken', 'is off'],
  ])
})
