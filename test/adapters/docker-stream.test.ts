import { expect, test } from 'vitest'
import { openEngine } from '../../adapters/docker-open.ts'
import { labLeftovers } from '../lab/leftovers.ts'
import { pretendEngine } from './pretended-engine.ts'

const leftovers = labLeftovers()

const [OLD, SANDBOX] = ['0'.repeat(64), '1'.repeat(64)]

/** The end of a sandbox, as an engine tells it. */
function ended(app: string, id: string): object {
  const name = `reveille-${app}-0`
  const image = 'localhost/reveille/sandbox:1'
  const labels = { 'reveille.app': app, 'reveille.sandbox': name }
  const Attributes = { name: `${name}.sandbox`, image, ...labels }
  return { Type: 'container', Action: 'die', Actor: { ID: id, Attributes }, timeNano: 1 }
}

function container(app: string, Running: boolean): object {
  const State = { Status: Running ? 'running' : 'exited', Running, ExitCode: 0, Error: '', Pid: 1 }
  const Labels = { 'reveille.app': app, 'reveille.network': 'sandbox' }
  const HostConfig = { NetworkMode: `container:${SANDBOX}` }
  return { Id: `id of ${app}`, Name: `/reveille-${app}-0`, State, Config: { Labels }, HostConfig }
}

test('the end of a sandbox is told of the app in it, and nothing but that app is looked at', async () => {
  const asked: string[] = []
  const known = new Map([
    ['/containers/reveille-asleep-0/json', container('asleep', false)],
    ['/containers/reveille-moved-0/json', container('moved', true)],
    ['/containers/reveille-shop-0/json', container('shop', true)],
  ])
  const events = [
    ...[ended('gone', SANDBOX), ended('asleep', SANDBOX)],
    ...[ended('moved', OLD), ended('shop', SANDBOX)],
  ]
  const { url } = await pretendEngine(leftovers, (request, response) => {
    const path = (request.url ?? '').replace(/\?.*/, '')
    asked.push(path)
    if (path === '/events')
      return void response.end(events.map((event) => `${JSON.stringify(event)}\n`).join(''))
    const found = known.get(path)
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(found ?? { message: 'No such container' }))
  })
  const told: string[] = []
  const engine = openEngine(url)
  for await (const { action, id, labels } of engine.events(0n, new AbortController().signal))
    told.push(`${action} ${id} ${labels['reveille.app']}`)
  expect(told).toEqual(['cut id of shop shop'])
  expect(asked).toEqual([
    ...['/events', '/containers/reveille-gone-0/json', '/containers/reveille-asleep-0/json'],
    ...['/containers/reveille-moved-0/json', '/containers/reveille-shop-0/json'],
  ])
})
