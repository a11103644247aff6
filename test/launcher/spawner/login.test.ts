import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { hashPassword } from '../../../adapters/password.ts'
import { issue, LIFETIME } from '../../../launcher/spawner/pass.ts'
import { TOKEN } from '../api/stage.ts'
import { type Desk, openDesk, PASSWORD } from './desk.ts'

let desk: Desk
beforeAll(async () => {
  desk = await openDesk()
})
afterAll(() => desk.close())

const now = (): number => Date.now() / 1000
const hash = (): string => desk.users.get('home') ?? ''
const listed = async (headers: Record<string, string>): Promise<number> =>
  (await desk.stage.spawner?.inject({ method: 'GET', url: '/deploy/', headers }))?.statusCode ?? 0
const login = async (username: string, password: string, remoteAddress: string) =>
  desk.stage.spawner?.inject({
    ...{ method: 'POST', url: '/login', remoteAddress },
    payload: { username, password },
  })

it('takes a token in either header', async () => {
  expect(await listed({ token: desk.token })).toBe(200)
  expect(await listed({ authorization: `Bearer ${desk.token}` })).toBe(200)
})

it.each<[string, () => string]>([
  ['none', () => ''],
  ['one of the private API', () => TOKEN],
  ['one that has run out', () => issue('home', hash(), now() - LIFETIME - 1)],
  ['one that would last for longer than any', () => issue('home', hash(), now() + LIFETIME)],
  ['one signed with something else', () => issue('home', `${hash()}x`, now())],
  ['one of a user who is not there', () => issue('other', hash(), now())],
  ['one with another name', () => desk.token.replace('home', 'root')],
  ['one with a later end', () => desk.token.replace(/\.\d+\./, `.${Math.floor(now()) + 3500}.`)],
  ['one without its signature', () => desk.token.slice(0, desk.token.lastIndexOf('.') + 1)],
  ['one cut short', () => desk.token.slice(0, -1)],
  ['a hash of the file', hash],
])('refuses %s', async (_, token) => {
  expect(await listed({ token: token() })).toBe(401)
  expect(await listed({ authorization: `Bearer ${token()}` })).toBe(401)
})

it('a token ends with the password and with the user', async () => {
  const old = hash()
  desk.users.set('home', await hashPassword(PASSWORD))
  expect(await listed({ token: desk.token })).toBe(401)
  desk.users.delete('home')
  expect(await listed({ token: desk.token })).toBe(401)
  desk.users.set('home', old)
  expect(await listed({ token: desk.token })).toBe(200)
})

it('lets a client that failed wait, longer each time, and no other', async () => {
  const wrong = await login('home', 'not-the-password', '10.1.1.1')
  expect([wrong?.statusCode, wrong?.json().type]).toEqual([401, 'urn:reveille:problem:bad-login'])
  const soon = await login('home', PASSWORD, '10.1.1.1')
  expect([soon?.statusCode, soon?.headers['retry-after']]).toEqual([429, '1'])
  expect((await login('home', PASSWORD, '10.1.1.2'))?.statusCode).toBe(200)
  await vi.waitUntil(async () => (await login('nobody', 'wrong', '10.1.1.1'))?.statusCode === 401, {
    timeout: 5_000,
    interval: 200,
  })
  expect((await login('home', PASSWORD, '10.1.1.1'))?.headers['retry-after']).toBe('2')
})

it('takes the addresses of one IPv6 network for one client', async () => {
  expect((await login('home', 'wrong', '2001:db8:0:1::1'))?.statusCode).toBe(401)
  expect((await login('home', PASSWORD, '2001:db8:0:1:ffff::2'))?.statusCode).toBe(429)
  expect((await login('home', PASSWORD, '2001:db8:0:2::1'))?.statusCode).toBe(200)
  expect((await login('home', 'wrong', '::ffff:10.1.1.8'))?.statusCode).toBe(401)
  expect((await login('home', PASSWORD, '::ffff:10.1.1.9'))?.statusCode).toBe(200)
})

it('looks at one guess of a crowd only', async () => {
  const guesses = Array.from({ length: 20 }, (_, index) =>
    login('home', `guess-${index}`, '10.1.1.3'),
  )
  const codes = (await Promise.all(guesses)).map((answer) => answer?.statusCode)
  expect(codes.filter((code) => code === 401)).toHaveLength(1)
  expect(codes.filter((code) => code === 429)).toHaveLength(19)
})

it.each([
  {},
  { username: 'home' },
  { username: 'home', password: '' },
  { username: 'home', password: 'x'.repeat(257) },
  { username: ['home'], password: PASSWORD },
  { username: 'home', password: PASSWORD, admin: true },
])('refuses a log-in of %j', async (payload) => {
  const answer = await desk.stage.spawner?.inject({ method: 'POST', url: '/login', payload })
  expect(answer?.statusCode).toBe(400)
  expect(answer?.body).not.toContain(PASSWORD)
})
