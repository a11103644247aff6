import { readFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { Carrier } from '../../launcher/carry/carrier.ts'
import { createCarryServer } from '../../launcher/carry/server.ts'
import type { Decision } from '../../launcher/gate/door.ts'
import { Pages } from '../../launcher/gate/page.ts'
import type { Ask } from '../../launcher/gate/request.ts'
import type { Client } from '../../launcher/gate/wait.ts'
import { parseEndpoint } from '../../model/endpoint.ts'
import { problem } from '../../model/problem.ts'
import { type Answer, type LabLauncher, openScripted, type Script } from '../lab/launcher.ts'

const page = (name: string) =>
  readFileSync(new URL(`../../templates/pages/${name}.html.njk`, import.meta.url), 'utf8')

/** The scripted launcher of the lab for gateways that cannot hold: what carries is the product's own. */
export function startCarrying(): Promise<LabLauncher> {
  return openScripted((script) => {
    const door = { ask: (ask: Ask, client: Client) => decide(script, ask, client) }
    const pages = new Pages({ waiting: page('waiting'), problem: page('problem') })
    return createCarryServer(othersOf(script), new Carrier({ door, pages }))
  })
}

async function decide(script: Script, ask: Ask, client: Client): Promise<Decision> {
  const { app, uri, method, dead, pin, way, prefix, proof } = ask
  const answered = { client: ask.client, answer: ask.redirects ? 'redirect' : '' }
  let close = (): void => {}
  const left = new Promise<'left'>((resolve) => {
    close = () => resolve('left')
    client.on('close', close)
  })
  const words = { app, uri, method, dead, pin, way, prefix, proof, ...answered }
  const answer = await script.ask(words, left)
  client.off('close', close)
  return answer === 'left' ? { is: 'busy' } : decisionOf(answer, ask)
}

/** What comes that is not to be carried. */
function othersOf({ faults }: Script): RequestListener {
  return (request, response) => {
    const { url = '', headers } = request
    if (url === '/healthz') return response.writeHead(200).end()
    if (!url.startsWith('/_reveille/events/')) {
      faults.push(`asked for ${url}`)
      return response.writeHead(404).end()
    }
    if (headers.cookie !== undefined || headers.authorization !== undefined)
      faults.push('a secret of the client')
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    return response.write(`data: ${url}\n\n`)
  }
}

function decisionOf(answer: Answer, ask: Ask): Decision {
  if (answer === 'unknown') return { is: 'unknown' }
  if (answer === 'again' || answer === 'awake') return { is: answer }
  if ('upstream' in answer) {
    const endpoint = parseEndpoint(answer.upstream)
    if (!endpoint) throw new Error(`${answer.upstream} is no endpoint`)
    const pin = /=([0-9a-f]{16})/.exec(answer.cookie ?? '')?.[1] ?? null
    return { is: 'upstream', endpoint, pin }
  }
  const { wantsHtml, app } = ask
  const told = problem('start-failed', { app, retryAfter: 7 })
  return { is: 'page', order: { kind: 'problem', problem: told, app, wantsHtml, retryAfter: 7 } }
}
