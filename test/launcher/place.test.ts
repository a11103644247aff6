import { expect, it } from 'vitest'
import { type Candidate, place } from '../../launcher/place.ts'
import { App } from '../../model/app.ts'
import type { Container } from '../../model/container.ts'
import { Host } from '../../model/record.ts'

const app = App.parse({ name: 'shop', image: 'shop:1', limits: { memory: '512m', cpus: 1 } })

function candidate(name: string, more: Partial<Candidate> & { images?: string[] } = {}): Candidate {
  const { images = [], ...rest } = more
  const where = { name, address: '10.9.0.1', engine: 'tcp://10.9.0.1:2375', publish: '10.9.0.1' }
  const host = Host.parse({ ...where, cpus: 2, memory: 2 ** 31, images })
  return { host, container: null, trouble: null, promised: 0, ...rest }
}

function container(state: Container['state']): Container {
  const rest = { exitCode: 0, error: '', health: 'none', published: {}, pid: 0 } as const
  return { id: 'c', name: 'reveille-shop-0', labels: {}, state, image: 'shop:1', ...rest }
}

function chosen(...candidates: Candidate[]): string {
  const placed = place(app, candidates)
  return placed.ok ? placed.chosen.host.name : placed.reason
}

it('prefers the running container, then the stopped one, then the image, then the emptiest host', () => {
  const empty = candidate('empty')
  const full = candidate('full', { promised: 2 ** 30 })
  const image = candidate('image', { images: ['shop:1'], promised: 2 ** 30 })
  const stopped = candidate('stopped', { container: container('exited'), promised: 2 ** 30 })
  const running = candidate('running', { container: container('running'), promised: 2 ** 30 })
  expect(chosen(full, empty, image, stopped, running)).toBe('running')
  expect(chosen(full, empty, image, stopped)).toBe('stopped')
  expect(chosen(full, empty, image)).toBe('image')
  expect(chosen(full, empty)).toBe('empty')
})

it('takes equal hosts in order of their names', () => {
  expect(chosen(candidate('b'), candidate('a'))).toBe('a')
})

it('takes an image without a tag for :latest', () => {
  const untagged = { ...app, image: 'registry:5000/shop' }
  const placed = place(untagged, [
    candidate('a'),
    candidate('b', { images: ['registry:5000/shop:latest'] }),
  ])
  expect(placed).toMatchObject({ ok: true, chosen: { host: { name: 'b' } } })
})

it('leaves out hosts in trouble and those that are too small, and says so', () => {
  const broken = candidate('broken', { trouble: 'has an engine that fails' })
  const small = candidate('small')
  small.host.memory = 2 ** 20
  const slow = candidate('slow')
  slow.host.cpus = 0.5
  expect(chosen(broken, small, slow)).toBe(
    'broken has an engine that fails; small has too little memory; slow has only 0.5 CPUs',
  )
  expect(chosen(broken, small, candidate('good'))).toBe('good')
  expect(chosen()).toBe('no host is registered')
})

it('starts nothing where too much memory is promised already, and says so; what runs there is fine', () => {
  const tight = (given: Candidate) => place(app, [given], (host) => host.memory * 2)
  const full = { promised: 3.8 * 2 ** 30 }
  expect(tight(candidate('a', full))).toEqual({
    ok: false,
    reason: 'a has no room: 3891 MiB of 4096 MiB are promised and it needs 512 MiB',
  })
  expect(tight(candidate('a', { promised: 3.5 * 2 ** 30 }))).toMatchObject({ ok: true })
  expect(tight(candidate('a', { ...full, container: container('running') }))).toMatchObject({
    ok: true,
  })
})
