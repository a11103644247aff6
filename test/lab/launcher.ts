import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { freePort } from './port.ts'

/** What nginx asked. Names are those of the wake protocol's headers, without `X-Reveille-`, in lower case. */
export type Ask = Record<string, string>

/** What the script says: where the app is now, that there is none, to ask again, or what to show. */
export type Answer =
  | { upstream: string; cookie?: string }
  | 'unknown'
  | 'again'
  | 'awake'
  | { page: object }

/** A launcher that does as the test says, and refuses whatever the wake protocol does not have. */
export interface LabLauncher {
  /** host:port */
  readonly address: string
  /** every wake that was asked for */
  readonly asks: Ask[]
  /** every breach of the protocol */
  readonly faults: string[]
  /** questions held right now */
  readonly held: number
  /** what to answer from now on; the promise holds the request */
  script: (ask: Ask) => Promise<Answer> | Answer
  stop(): Promise<void>
}

const WAKE = [
  'app',
  'uri',
  'method',
  'accept',
  'fetch-mode',
  'upgrade',
  'client',
  'dead',
  'pin',
  'slice',
  'round',
  'way',
  'prefix',
  'proof',
  'answer',
]
const PAGE = ['page', 'app', 'uri', 'method']
const EVENTS = ['client']
const ALWAYS = ['host', 'connection', 'accept']

/** What the server of a scripted launcher has to do with its script. */
export interface Script {
  /** Notes a wake and holds it until the script has its answer, or until the client has `left`. */
  ask(words: Ask, left: Promise<'left'>): Promise<Answer | 'left'>
  /** where breaches of the protocol go */
  faults: string[]
}

/** Listens on a free port with the server of a scripted launcher. Unless told otherwise it knows no app. */
export async function openScripted(open: (script: Script) => Server): Promise<LabLauncher> {
  const port = await freePort()
  const asks: Ask[] = []
  const faults: string[] = []
  let held = 0
  const ask: Script['ask'] = async (words, left) => {
    asks.push(words)
    held++
    try {
      return await Promise.race([lab.script(words), left])
    } finally {
      held--
    }
  }
  const server = open({ ask, faults })
  server.listen(port, '127.0.0.1', 4096)
  await new Promise<void>((resolve) => server.once('listening', resolve))
  const lab: LabLauncher = {
    address: `127.0.0.1:${port}`,
    asks,
    faults,
    get held() {
      return held
    },
    script: () => 'unknown',
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return lab
}

/** Starts a scripted launcher for gateways that hold requests. */
export function startLauncher(): Promise<LabLauncher> {
  return openScripted(({ ask, faults }) =>
    createServer((request, response) => {
      const path = request.url ?? ''
      request.on('data', () => faults.push(`${path}: a body`))
      if (request.method !== 'GET') faults.push(`${path}: method ${request.method}`)
      const words = readWords(
        request,
        path === '/wake' ? WAKE : path === '/page' ? PAGE : EVENTS,
        faults,
      )
      if (path === '/wake') {
        const left = new Promise<'left'>((resolve) => response.on('close', () => resolve('left')))
        void ask(words, left).then((answer) => answer !== 'left' && say(response, answer))
      } else if (path === '/page') {
        const page = Buffer.from(words.page ?? '', 'base64url').toString()
        response.writeHead(503, { 'content-type': 'text/html', 'retry-after': '7' })
        response.end(`page ${page} of ${words.app} for ${words.method} ${words.uri}`)
      } else if (path.startsWith('/_reveille/events/')) {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write(`data: ${path}\n\n`)
      } else {
        faults.push(`asked for ${path}`)
        response.writeHead(404).end()
      }
    }),
  )
}

function readWords(request: IncomingMessage, allowed: string[], faults: string[]): Ask {
  const words: Ask = {}
  for (const [name, value] of Object.entries(request.headers)) {
    const word = name.replace(/^x-reveille-/, '')
    if (name !== word && allowed.includes(word)) words[word] = String(value)
    else if (!ALWAYS.includes(name)) faults.push(`${request.url}: header ${name}`)
  }
  return words
}

function say(response: ServerResponse, answer: Answer): void {
  if (answer === 'unknown') response.writeHead(403, { 'x-reveille-page': '404' })
  else if (answer === 'awake') response.writeHead(403, { 'x-reveille-page': 'awake' })
  else if (answer === 'again') response.writeHead(425)
  else if ('upstream' in answer)
    response.writeHead(200, {
      'x-reveille-upstream': answer.upstream,
      ...(answer.cookie !== undefined && { 'x-reveille-cookie': answer.cookie }),
    })
  else {
    const page = Buffer.from(JSON.stringify(answer.page)).toString('base64url')
    response.writeHead(403, { 'x-reveille-page': page })
  }
  response.end()
}
