import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { createServer, type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { RUNS } from '../open-run.ts'
import type { Run } from '../run.ts'

/** Where the lab of a run takes commands: HTTP requests whose body is a command's words, as JSON. */
const socketOf = (folder: string) => join(folder, 'control.sock')

interface Reply {
  ok: boolean
  text: string
}

/** Takes commands from other terminals of this machine's root until the returned function is called. */
export async function listenForCommands(
  run: Run,
  obey: (words: string[]) => Promise<string>,
): Promise<() => void> {
  const server = createServer((call, response) => {
    text(call)
      .then((body) => obey(JSON.parse(body) as string[]))
      .then(
        (said) => response.end(said),
        (error: Error) => response.writeHead(400).end(error.message),
      )
  })
  await new Promise<void>((resolve) => server.listen(socketOf(run.folder), resolve))
  return () => {
    server.close()
    server.closeAllConnections()
  }
}

/**
 * Gives a command to the lab that runs on this machine, the one of this number where several do. Throws if there is none,
 * or more than one to choose from.
 */
export async function send(words: string[], number?: string): Promise<Reply> {
  const names = number === undefined ? await readdir(RUNS).catch(() => []) : [number]
  const running = names.filter((name) => existsSync(socketOf(join(RUNS, name))))
  const [name, ...more] = running
  if (more.length > 0)
    throw new Error(
      `several labs run (${running.join(', ')}), say which: npm run lab -- --run ${name} ${words.join(' ')}`,
    )
  const answer = name && (await ask(socketOf(join(RUNS, name)), words).catch(() => null))
  if (!answer) throw new Error('no lab runs on this machine: npm run lab')
  return { ok: answer.statusCode === 200, text: await text(answer) }
}

function ask(socketPath: string, words: string[]): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, method: 'POST', path: '/' }, resolve)
    call.once('error', reject)
    call.end(JSON.stringify(words))
  })
}
