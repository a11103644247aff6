import { z } from 'zod'
import { parseNetwork } from './address.ts'
import { formatDuration, parseDuration } from './duration.ts'
import { parseEndpoint } from './endpoint.ts'
import { isId } from './key.ts'
import { whole } from './whole.ts'

/** The processes a setting is for; `cli` are the commands that talk to a running cluster. */
export type Service = 'up' | 'controller' | 'launcher' | 'registrar' | 'cli'

interface Setting<T extends z.ZodType> {
  schema: T
  help: string
  services: Service[]
  /** what the help shows in place of a value: --etcd <urls> */
  value: string
}

const setting = <T extends z.ZodType>(
  services: Service[],
  value: string,
  schema: T,
  help: string,
): Setting<T> => ({ services, value, schema, help })

/** A list given as an array (file) or separated by commas (flag, environment). */
const list = <T extends z.ZodType>(item: T) =>
  z.preprocess(
    (input) =>
      typeof input === 'string'
        ? input
            .split(',')
            .map((part) => part.trim())
            .filter(Boolean)
        : input,
    z.array(item),
  )
const number = (min: number, max: number) =>
  z.preprocess(
    (input) => (typeof input === 'string' && /^[0-9]+$/.test(input) ? Number(input) : input),
    whole(min, max),
  )
const seconds = (max = 86_400) =>
  z.preprocess(
    (input) => (typeof input === 'string' ? (parseDuration(input) ?? Number.NaN) : input),
    z
      .number('must be a duration like 30s or 5m')
      .min(1, 'must be at least 1 second')
      .max(max, `must be at most ${formatDuration(max)}`),
  )
const listen = z.string().refine((text) => {
  const endpoint = parseEndpoint(text)
  return endpoint !== null
}, 'must be address:port, like 127.0.0.1:8090 or [::1]:8090')
const id = z.string().refine(isId, 'must be a name of letters, digits, ".", "_" and "-"')
const network = z
  .string()
  .refine((text) => parseNetwork(text) !== null, 'must be a network like 10.9.0.0/16')
const switched = z.preprocess(
  (input) =>
    input === 'true' || input === '1' || input === ''
      ? true
      : input === 'false' || input === '0'
        ? false
        : input,
  z.boolean(),
)

const ALL: Service[] = ['up', 'controller', 'launcher', 'registrar', 'cli']
const SERVICES: Service[] = ['up', 'controller', 'launcher', 'registrar']

/**
 * Every setting there is: one schema for flags (`--hold-timeout 90s`), environment (`REVEILLE_HOLD_TIMEOUT=90s`) and
 * file (`holdTimeout: "90s"` as JSON), in this order of precedence. docs/configuration.md is generated from it.
 */
export const SETTINGS = {
  etcd: setting(
    SERVICES,
    'urls',
    list(z.url({ protocol: /^https?$/, error: 'must be like http://10.0.0.1:2379' })).default([]),
    'etcd members, separated by commas; `up` starts its own where none is given',
  ),
  etcdUser: setting(SERVICES, 'name', z.string().default(''), 'etcd user'),
  etcdPassword: setting(
    SERVICES,
    'text',
    z.string().default(''),
    'etcd password; give it by environment or file, flags show in process lists',
  ),
  etcdCa: setting(
    SERVICES,
    'file',
    z.string().default(''),
    'CA certificate of the etcd members (PEM)',
  ),
  etcdCert: setting(SERVICES, 'file', z.string().default(''), 'client certificate for etcd (PEM)'),
  etcdKey: setting(SERVICES, 'file', z.string().default(''), 'key of the client certificate (PEM)'),
  prefix: setting(
    SERVICES,
    'path',
    z
      .string()
      .regex(/^(?:\/[A-Za-z0-9._-]+)+$/)
      .default('/services'),
    'what every key in etcd begins with',
  ),
  id: setting(
    SERVICES,
    'name',
    id.optional(),
    'name of this host, gateway or launcher in the cluster; the host name unless given',
  ),
  leaseTtl: setting(
    SERVICES,
    'time',
    seconds(3600).default(10),
    'after how long the entries of a process that died vanish',
  ),
  networks: setting(
    SERVICES,
    'list',
    list(network).default([]),
    'networks instances may live in; others are never routed to. `up` works them out',
  ),
  denied: setting(
    SERVICES,
    'list',
    list(z.string()).default([]),
    'host:port pairs that are never an instance: etcd, APIs, gateways',
  ),
  logLevel: setting(
    SERVICES,
    'level',
    z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
    'least important log line to write',
  ),
  stateDir: setting(
    ALL,
    'dir',
    z.string().default('/var/lib/reveille'),
    'where the API token and the data of embedded parts are kept',
  ),
  runDir: setting(
    SERVICES,
    'dir',
    z.string().default('/run/reveille'),
    'where generated configuration, pid files and sockets are kept',
  ),

  listen: setting(
    ['up', 'controller'],
    'address',
    listen.default('0.0.0.0:8080'),
    'where the gateway listens',
  ),
  template: setting(
    ['up', 'controller'],
    'file',
    z.string().default(''),
    'nunjucks template of the proxy configuration; the built-in one unless given',
  ),
  output: setting(
    ['up', 'controller'],
    'file',
    z.string().default(''),
    'configuration file to write; <run-dir>/nginx.conf unless given',
  ),
  checkCmd: setting(
    ['up', 'controller'],
    'command',
    z.string().default(''),
    'checks a candidate; {{candidate}} stands for its path; nginx -t unless given',
  ),
  reloadCmd: setting(
    ['up', 'controller'],
    'command',
    z.string().default(''),
    'makes the proxy read the new file; nginx -s reload unless given',
  ),
  confirm: setting(
    ['up', 'controller'],
    'on|off',
    z.enum(['on', 'off']).default('on'),
    'ask the proxy after a reload whether the new configuration answers; off for a template without /_reveille/generation',
  ),
  activityListen: setting(
    ['up', 'controller'],
    'address',
    listen.default('127.0.0.1:8094'),
    'UDP address on which the proxy reports used apps',
  ),
  controllerAdmin: setting(
    ['up', 'controller'],
    'address',
    listen.default('127.0.0.1:8092'),
    'where /healthz and /metrics of the controller are',
  ),
  launchers: setting(
    ['controller'],
    'list',
    list(listen).default([]),
    'launchers to ask, besides the registered ones',
  ),

  wakeListen: setting(
    ['up', 'launcher'],
    'address',
    listen.default('127.0.0.1:8090'),
    'where gateways reach the launcher',
  ),
  wakeAdvertise: setting(
    ['up', 'launcher'],
    'address',
    listen.optional(),
    'host:port written to etcd for the gateways; wake-listen unless given',
  ),
  apiListen: setting(
    ['up', 'launcher'],
    'address',
    listen.default('127.0.0.1:8091'),
    'where the private API, /healthz and /metrics of the launcher are',
  ),
  apiHosts: setting(
    ['up', 'launcher'],
    'list',
    list(z.string().regex(/^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/)).default([]),
    'host names the private API answers to besides its own address and loopback',
  ),
  holdTimeout: setting(
    ['up', 'launcher', 'controller'],
    'time',
    seconds(3600).default(60),
    'how long a request is held at most',
  ),
  pageAfter: setting(
    ['up', 'launcher'],
    'ms',
    number(0, 60_000).default(1000),
    'how many milliseconds a page load waits before it gets the waiting page',
  ),
  reasons: setting(
    ['up', 'launcher'],
    'full|short',
    z.enum(['full', 'short']).default('full'),
    'what visitors are told about an app that fails: full, with its last log lines; short, only that it failed',
  ),
  heldPerApp: setting(
    ['up', 'launcher'],
    'n',
    number(1, 1_000_000).default(2000),
    'requests held for one app at most',
  ),
  heldTotal: setting(
    ['up', 'launcher'],
    'n',
    number(1, 1_000_000).default(10_000),
    'requests held in all at most',
  ),
  startsPerHost: setting(
    ['up', 'launcher'],
    'n',
    number(1, 64).default(4),
    'containers started at once on one host',
  ),
  available: setting(
    ['up', 'launcher'],
    'hook',
    z.string().default(''),
    'isAvailable hook: an http(s) URL or a JavaScript module; every app is available where none is given',
  ),
  availableTimeout: setting(
    ['up', 'launcher'],
    'ms',
    number(10, 60_000).default(2000),
    'deadline of the hook in milliseconds; no answer is a no',
  ),
  registries: setting(
    ['up', 'launcher'],
    'list',
    list(z.string()).default(['*']),
    'registries images may come from; * is every one but bare addresses and localhost',
  ),

  docker: setting(
    ['up', 'registrar'],
    'url',
    z.string().default('unix:///var/run/docker.sock'),
    'the engine of this host',
  ),
  engine: setting(
    ['up'],
    'kind',
    z.enum(['auto', 'docker', 'process']).default('auto'),
    'docker, or process: apps as child processes, where no engine can run',
  ),
  engineAdvertise: setting(
    ['registrar'],
    'url',
    z.string().default(''),
    'how launchers reach the engine; the value of docker unless given',
  ),
  address: setting(
    ['up', 'registrar'],
    'ip',
    z.string().default(''),
    'IP address the instances of this host are reached at; the bridge of the engine unless given',
  ),
  registrarAdmin: setting(
    ['up', 'registrar'],
    'address',
    listen.default('127.0.0.1:8093'),
    'where /healthz and /metrics of the registrar are',
  ),
  drainTimeout: setting(
    ['up', 'registrar'],
    'time',
    seconds(3600).default(30),
    'how long open requests may keep an instance that is told to sleep',
  ),
  app: setting(
    ['registrar'],
    'name',
    z.string().default(''),
    'sidekick: the app to register instead of watching an engine',
  ),
  slot: setting(['registrar'], 'n', number(0, 99).default(0), 'sidekick: the slot'),
  endpoint: setting(
    ['registrar'],
    'host:port',
    z.string().default(''),
    'sidekick: where the app is',
  ),
  probe: setting(['registrar'], 'probe', z.string().default('tcp'), 'sidekick: tcp or http:/path'),

  demo: setting(
    ['up'],
    '',
    switched.default(false),
    'add three demo apps and two blueprints, and leave nothing of them at the end',
  ),

  api: setting(
    ['cli'],
    'url',
    z.url().default('http://127.0.0.1:8091'),
    'private API of a launcher',
  ),
  gateway: setting(
    ['cli'],
    'url',
    z.url().optional(),
    'where clients reach the apps, for the URLs printed; the port of listen on the host of the API unless given',
  ),
  token: setting(
    ['cli'],
    'text',
    z.string().default(''),
    'API token; read from <state-dir>/token unless given',
  ),
  json: setting(['cli'], '', switched.default(false), 'print JSON for scripts'),
} as const

export type SettingName = keyof typeof SETTINGS
export type Settings = { [K in SettingName]: z.output<(typeof SETTINGS)[K]['schema']> }

/** `holdTimeout` -> `hold-timeout` */
export function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** `holdTimeout` -> `REVEILLE_HOLD_TIMEOUT` */
export function variableOf(name: string): string {
  return `REVEILLE_${flagOf(name).replaceAll('-', '_').toUpperCase()}`
}
