import type Docker from 'dockerode'
import { expect, test } from 'vitest'
import {
  type PullEvent,
  PullProgress,
  pullImage,
  pullReference,
  readPull,
} from '../../adapters/docker-pull.ts'
import { DEMO_IMAGE } from '../../model/image.ts'

function percents(events: PullEvent[]): number[] {
  const progress = new PullProgress()
  return events.map((event) => progress.take(event))
}
const layer = (id: string, status: string, current = 0, total = 0): PullEvent => ({
  ...{ id, status, progressDetail: total > 0 ? { current, total } : {} },
})

test('a layer counts seven tenths for its download and three for its extraction', () => {
  expect(
    percents([
      { id: '1', status: 'Pulling from library/x' },
      layer('a', 'Pulling fs layer'),
      layer('a', 'Downloading', 50, 100),
      layer('a', 'Download complete'),
      layer('a', 'Extracting', 50, 100),
      layer('a', 'Pull complete'),
    ]),
  ).toEqual([0, 0, 35, 70, 85, 99])
})

test('large layers weigh more than small ones', () => {
  expect(
    percents([
      layer('big', 'Downloading', 0, 900),
      layer('small', 'Downloading', 100, 100),
      layer('small', 'Pull complete'),
    ]),
  ).toEqual([0, 7, 10])
})

test('the percentage never goes back when a layer begins late', () => {
  const seen = percents([
    layer('a', 'Downloading', 90, 100),
    layer('b', 'Downloading', 1, 1_000_000),
    layer('b', 'Downloading', 500_000, 1_000_000),
  ])
  expect(seen).toEqual([...seen].sort((one, other) => one - other))
})

test('layers that exist already, and small ones that never download, count as done', () => {
  expect(
    percents([
      ...[layer('a', 'Already exists'), layer('b', 'Pulling fs layer')],
      ...[layer('b', 'Download complete'), layer('b', 'Pull complete')],
    ]).at(-1),
  ).toBe(99)
})

test('a failure inside the stream is thrown with its kind', () => {
  const failure = '{"errorDetail":{"message":"x"},"error":"write x: no space left on device"}'
  expect(() => readPull(failure)).toThrowError(expect.objectContaining({ code: 'no-space' }))
  expect(readPull('half a li')).toEqual({})
})

test('a reference without a tag means latest: every tag would be pulled otherwise', () => {
  expect(pullReference('shop')).toBe('shop:latest')
  expect(pullReference('localhost:5000/shop')).toBe('localhost:5000/shop:latest')
  expect(pullReference('localhost:5000/shop:1')).toBe('localhost:5000/shop:1')
  expect(pullReference(`shop@sha256:${'a'.repeat(64)}`)).toBe(`shop@sha256:${'a'.repeat(64)}`)
})

test('an image that is made here is never pulled: a registry of the machine may have another one of that name', async () => {
  const asked: string[] = []
  const docker = {
    createImage: async ({ fromImage }: { fromImage: string }) => {
      asked.push(fromImage)
      throw new Error('no registry')
    },
  } as unknown as Docker
  const pull = (image: string) => pullImage(docker, image, () => {}, new AbortController().signal)
  await expect(pull('localhost/reveille/sandbox:1')).rejects.toMatchObject({ code: 'no-image' })
  await expect(pull(DEMO_IMAGE)).rejects.toThrow('demo-image.sh gives it to an engine')
  await expect(pull('localhost/own:1')).rejects.toThrow()
  expect(asked).toEqual(['localhost/own:1'])
})
