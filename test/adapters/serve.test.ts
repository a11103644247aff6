import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../lab/folder.ts'
import { freePort } from '../lab/port.ts'
import { sourceRunner } from '../lab/source.ts'

/** A service that listens, says what happens to it, and takes its time to end in order. */
const listens = (port: number): string => `
  import { createServer } from 'node:net'
  import { setTimeout as pause } from 'node:timers/promises'
  const log = { info: (_, words) => console.log(words) }
  const stop = async () => { await pause(50); console.log('stopped') }
  export const open = () =>
    new Promise((resolve) => createServer().listen(${port}, '127.0.0.1', () => {
      console.log('listens')
      resolve({ log, farewell: 'farewell', stop })
    }))
`
const HANGS = 'export const open = () => new Promise(() => setInterval(() => {}, 1000))'
const FAILS = `
  import { setTimeout as pause } from 'node:timers/promises'
  export const open = async () => { await pause(500); throw new Error('no luck today') }
`

const run = sourceRunner()

/** Services of these sources in one process, as `up` starts them. */
async function start(...sources: string[]) {
  const folder = await temporaryFolder()
  const paths = sources.map((_, index) => join(folder, `${index}.mjs`))
  await Promise.all(paths.map((path, index) => writeFile(path, sources[index] ?? '')))
  return run(['cli/embedded/service-main.ts', 'services', ...paths])
}

/** Whether something listens there. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
  })
}

test('one that cannot be started ends all with its reason, and those that had begun in order', async () => {
  const port = await freePort()
  const { ended } = await start(listens(port), HANGS, FAILS)
  expect(await ended).toEqual({
    code: 1,
    signal: null,
    out: 'listens\nstopped\n',
    err: 'no luck today\n',
  })
  expect(await answers(port)).toBe(false)
}, 20_000)

test('those that are up end in order when told to, also while another is not up yet', async () => {
  const port = await freePort()
  const { child, output, ended } = await start(listens(port), HANGS)
  await expect.poll(() => output.out, { timeout: 10_000 }).toContain('listens')
  expect(await answers(port)).toBe(true)
  child.kill('SIGTERM')
  expect(await ended).toEqual({
    code: 0,
    signal: null,
    out: 'listens\nfarewell\nstopped\n',
    err: '',
  })
  expect(await answers(port)).toBe(false)
}, 20_000)
