import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { setTimeout as delay } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import { readKey, sign } from '../../adapters/signature.ts'
import { type Announcement, announcementText } from '../../model/announcement.ts'
import { formatDuration, parseDuration } from '../../model/duration.ts'
import { formatEndpoint, parseEndpoint } from '../../model/endpoint.ts'
import { isAppName } from '../../model/name.ts'
import { escapeText } from '../escape.ts'
import { misuse } from '../failure.ts'
import { addExamples } from '../option.ts'
import type { Terminal } from '../terminal.ts'

type Flags = Record<'to' | 'pool' | 'address' | 'keyFile' | 'ttl', string>

/** A datagram may be lost: a farewell is said this often, milliseconds apart. An arrival is said again anyway. */
const FAREWELLS = 3
const APART = 50

/** `reveille announce` */
export function addAnnounce(program: Command, terminal: Terminal): void {
  const announce = program
    .command('announce')
    .description('keep a server in a pool for as long as this runs: it announces it by UDP')
  const required = (flag: string, text: string): Option =>
    new Option(flag, text).makeOptionMandatory()
  announce
    .addOption(required('--to <host:port>', 'where `reveille pool` listens; several with commas'))
    .addOption(required('--pool <name>', 'the pool'))
    .addOption(required('--address <ip:port>', 'where the server is reached'))
    .addOption(required('--key-file <file>', 'file with the key that both know'))
    .addOption(
      new Option('--ttl <time>', 'after how long without a word it is out').default('10s', '10s'),
    )
  addExamples(announce, [
    [
      'reveille announce --to 10.0.0.1:8095 --pool dynamic --address 10.0.0.4:3000 --key-file key',
      'beside a server; SIGTERM or Ctrl-C takes it out',
    ],
  ])
  announce.action((flags: Flags) => run(flags, terminal))
}

async function run(flags: Flags, terminal: Terminal): Promise<void> {
  const { server, places } = read(flags)
  const key = readKey(flags.keyFile)
  const signal = terminal.interrupt()
  const say = async (state: Announcement['state']): Promise<void> => {
    const time = Math.floor(Date.now() / 1000)
    const nonce = randomBytes(8).toString('hex')
    const text = announcementText({ ...server, state, time, nonce })
    const datagram = `${text} ${sign(key, text)}\n`
    for (const place of places)
      await send(place, datagram).catch((error: Error) =>
        terminal.err(`${place.host}:${place.port}: ${escapeText(error.message)}\n`),
      )
  }
  terminal.out(`${server.address} is announced to pool ${server.pool}, until Ctrl-C.\n`)
  while (!signal.aborted) {
    await say('up')
    await delay((server.ttl * 1000) / 3, undefined, { signal }).catch(() => {})
  }
  for (let round = 0; round < FAREWELLS; round++) {
    await say('down')
    await delay(APART)
  }
}

interface Place {
  host: string
  port: number
}

function read({ to, pool, address, ttl: text }: Flags) {
  const endpoint = parseEndpoint(address)
  const ttl = parseDuration(text)
  if (!isAppName(pool)) throw misuse(`--pool ${pool} is no name of a pool`)
  if (!endpoint) throw misuse(`--address ${address} must be address:port, like 10.0.0.4:3000`)
  if (ttl === null || ttl < 3 || ttl > 3600)
    throw misuse(`--ttl ${text} must be a duration from 3s to ${formatDuration(3600)}`)
  const server = { pool, address: formatEndpoint(endpoint), ttl }
  return { server, places: to.split(',').map(readPlace) }
}

/** A name is fine: it is looked up each time. */
function readPlace(text: string): Place {
  const endpoint = parseEndpoint(text)
  if (endpoint) return endpoint
  const [, host = '', port] =
    /^([A-Za-z0-9][A-Za-z0-9.-]{0,252}):([1-9][0-9]{0,4})$/.exec(text) ?? []
  if (host === '' || Number(port) > 65_535)
    throw misuse(`--to ${text} must be host:port, like 10.0.0.1:8095`)
  return { host, port: Number(port) }
}

async function send({ host, port }: Place, datagram: string): Promise<void> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.send(datagram, port, host, (error) => (error ? reject(error) : resolve()))
    })
  } finally {
    socket.close()
  }
}
