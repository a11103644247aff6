import { mkdir, readdir, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'

/** Longest path of a socket (sun_path less its end). */
const LONGEST = 107
/** How many doors there can be; one is open at a time. */
const DOORS = 10
/** Characters of an answer: a line for each address with requests, or each app that is refused. */
const LINES = 4 * 1024 ** 2
/** Characters of nginx's words about a table. */
const WORDS = 500
/** Bytes of a table's text, as nginx's configuration says: more than its memory has room for. */
const LARGEST = 128 * 1024 ** 2
/** Milliseconds that an answer may take: a table's, and that of somebody who looks on, for whom a scrape waits. */
const PATIENCE = 5000
const LOOK = 1000
/** and how many bytes of a table nginx may take a millisecond more for: on a busy machine it reads 5,000 */
const PACE = 1000

/** Whether a door can be in this folder. */
export function fits(folder: string): boolean {
  return socketOf(folder).length <= LONGEST
}

function socketOf(folder: string, number = 0): string {
  return join(folder, `door/${number}`)
}

/**
 * The door of the table: a socket that nginx opens for everybody, in a folder that is this user's alone. It has a number,
 * as nginx opens none again that it has lost: whoever removes the socket, be it another nginx that ended late, takes it away
 * for good.
 */
export async function openDoor(folder: string) {
  const make = () => mkdir(join(folder, 'door'), { recursive: true, mode: 0o700 })
  await make()
  const there = (await readdir(join(folder, 'door'))).filter((name) => /^\d$/.test(name))
  let number = Math.max(0, ...there.map(Number))
  /** of which moment the table is, as nginx said last: a push that others were before is none */
  let turn = ''
  const call = async (method: string, query = '', body = '') => {
    const path = `/table${query}`
    const patience = PATIENCE + Math.ceil(body.length / PACE)
    const asked = { method, path, body, most: LINES, patience }
    const answer = await callDoor(socketOf(folder, number), asked)
    turn = answer?.turn ?? ''
    return answer
  }
  return {
    get number() {
      return number
    },
    revision: async () => (await call('GET'))?.text ?? null,
    put: async (text: string) => {
      if (text.length > LARGEST)
        throw new Error(
          `the table of routes has ${Math.ceil(text.length / 1024 ** 2)} MB, of which nginx takes ${LARGEST / 1024 ** 2}: too many apps run at once for one gateway`,
        )
      const answer = await call('PUT', turn && `?turn=${turn}`, text)
      if (!answer) return null
      // 409: it has another revision than the one that the text changes; the next push is of everything.
      if (answer.status !== 200 && answer.status !== 409)
        throw new Error(`nginx does not take the table of routes: ${answer.text.slice(0, WORDS)}`)
      const [revision = '', ...refused] = answer.text.split('\n')
      return { revision, refused }
    },
    /**
     * Requests that are with instances right now: a line for each address that has some, `<address> <requests>`. null if
     * nobody is there; rejects after a second of silence.
     */
    flight: async () => {
      const asked = { method: 'GET', path: '/flight', body: '', most: LINES, patience: LOOK }
      const answer = await callDoor(socketOf(folder, number), asked)
      // An nginx with a configuration that knows nothing of it has a page of its own to say so.
      return answer?.status === 200 ? answer.text : null
    },
    /** Rejects, and leaves it at the one that it is, where there cannot be another. */
    change: async () => {
      await make()
      const next = (number + 1) % DOORS
      await rm(socketOf(folder, next), { force: true })
      number = next
    },
  }
}

interface Call {
  method: string
  path: string
  body: string
  /** characters of the answer */
  most: number
  /** milliseconds */
  patience: number
}

/** null if nobody is there. Rejects if somebody is who does not answer in time. */
function callDoor(
  socketPath: string,
  { method, path, body, most, patience }: Call,
): Promise<{ status: number; text: string; turn: string } | null> {
  return new Promise((resolve, reject) => {
    const length = { 'content-length': Buffer.byteLength(body) }
    const signal = AbortSignal.timeout(patience)
    const asked = request({ socketPath, path, method, headers: length, agent: false, signal })
    const fail = (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(null)
      else reject(new Error(`nginx does not answer at ${socketPath}: ${error.message}`))
    }
    asked.on('error', fail)
    asked.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text = (text + part).slice(0, most)
      })
      response.on('error', fail)
      response.on('end', () => {
        const { statusCode = 0, headers } = response
        resolve({ status: statusCode, text: text.trim(), turn: String(headers.turn ?? '') })
      })
    })
    asked.end(body)
  })
}
