import { expect, it } from 'vitest'
import { award } from '../../controller/award.ts'
import { depthsOf, homeOf, stepsOf, targetsOf } from '../../controller/step.ts'
import { Reading } from '../../model/reading.ts'
import { formatRoute } from '../../model/route.ts'

const stepsFor = (routes: string[], reading: object = {}) => {
  const entry = { key: '/services/apps/a', createRevision: '1', lease: '0' }
  const awarded = award([{ name: 'a', routes, entry }]).routes
  return stepsOf({ routes: awarded, reading: Reading.parse(reading) })
}
const told = (routes: string[], reading: object = {}): string[] =>
  stepsFor(routes, reading).map((step) =>
    step.kind === 'routes' ? step.routes.map(formatRoute).join(' ') : step.kind,
  )

it('is nothing where names lead at /<name>/ and nothing else does', () => {
  expect(stepsFor([])).toEqual([])
  expect(stepsFor([], { unknown: '403' })).toEqual([])
})

it('goes from the most specific to what is left', () => {
  const routes = [
    'a.example',
    'a.example/x',
    'b.example/y',
    '=a.example',
    '=/e',
    '/a/b/c',
    '/a',
    '/',
  ]
  expect(told(routes)).toEqual([
    ...['=a.example', 'a.example/x b.example/y', 'a.example', '=/e', '/a/b/c', '/a', '/', 'names'],
  ])
  expect(told(routes, { domain: 'd.example' })).toEqual([
    ...['=a.example', 'a.example/x b.example/y', 'a.example', 'domain'],
    ...['=/e', '/a/b/c', '/a', '/', 'names'],
  ])
})

it('has names behind a prefix among the routes that are as long', () => {
  const routes = ['=/e', '/a/b/c', '/a/b', '/a', '/']
  const order = ['=/e', '/a/b/c', '/a/b', 'names', '/a', '/']
  expect(told(routes, { pathPrefix: '/p' })).toEqual(order)
  expect(told([], { pathPrefix: '/p/q/r' })).toEqual(['names'])
})

it('comes to the cookie last, with a way to where one gets it', () => {
  expect(told(['/a'], { cookie: 'c', fallback: '/Home/login' })).toEqual(['/a /home', 'cookie'])
  expect(told(['/home'], { cookie: 'c', fallback: '/home' })).toEqual(['/home', 'cookie'])
  const reading = { cookie: 'c', pathPrefix: '/p', fallback: '/p/home' }
  expect(told([], reading)).toEqual(['names', 'cookie'])
  expect(told([], { cookie: 'c', fallback: 'https://a.example/home' })).toEqual(['cookie'])
  expect(told([], { cookie: 'c', fallback: '/.well-known' })).toEqual(['cookie'])
})

it('knows how deep it must look, and whose names are reached by routes', () => {
  const steps = stepsFor(['a.example/x', '/a/b/c', '=/d/e'], { cookie: 'c', fallback: '/home' })
  expect(depthsOf(steps)).toEqual([1, 3])
  expect([...targetsOf(steps)].sort()).toEqual(['a', 'home'])
})

it.each([
  [{ cookie: 'c', fallback: '/home' }, '/home'],
  [{ cookie: 'c', fallback: '/home/login?a=/b' }, '/home'],
  [{ cookie: 'c', fallback: '/apps/home/', pathPrefix: '/apps' }, '/apps/home'],
  [{ cookie: 'c', fallback: '/home', pathPrefix: '/apps' }, '/home'],
  [{ cookie: 'c', fallback: '/' }, ''],
  [{ cookie: 'c', fallback: 'https://login.example.com/home' }, ''],
  [{ cookie: 'c' }, ''],
  [{ pathPrefix: '/apps' }, ''],
])('knows the prefix of the home of %j', (reading, prefix) => {
  expect(homeOf(Reading.parse(reading))).toBe(prefix)
})
