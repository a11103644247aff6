import { z } from 'zod'
import { factor, list, listen, number, seconds, setting } from './kind.ts'

/** What a launcher needs to know. */
export const LAUNCHER_SETTINGS = {
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
  spawner: setting(
    ['up', 'launcher'],
    'address',
    listen.optional(),
    'where the spawner API is, like 127.0.0.1:8008; off unless given',
  ),
  spawnerUsers: setting(
    ['up', 'launcher'],
    'file',
    z.string().default(''),
    'who may log in to the spawner API: the same file at each launcher; <state-dir>/spawner-users unless given',
  ),
  proveRoutes: setting(
    ['up', 'launcher'],
    'on|off',
    z.enum(['on', 'off']).default('on'),
    'stop what no gateway leads to: of what the spawner API starts, and what clients are redirected to',
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
  heldPerClient: setting(
    ['up', 'launcher'],
    'n',
    number(1, 1_000_000).default(4000),
    'requests held for one client at most: an address, of IPv6 a /64',
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
    'containers started at once on one host, by all launchers together',
  ),
  network: setting(
    ['up', 'launcher'],
    'sandbox|bridge',
    z.enum(['sandbox', 'bridge'], 'must be sandbox or bridge').default('sandbox'),
    'whose network apps have that do not say: that of a sandbox, which stays while they sleep (sandbox), or one of their own, made at each start (bridge); from the next time that their container is made',
  ),
  hostNetwork: setting(
    ['up', 'launcher'],
    'on|off',
    z.enum(['on', 'off'], 'must be on or off').default('off'),
    "whether apps may have their host's own network: they reach all that listens there, etcd and engines too",
  ),
  overcommit: setting(
    ['up', 'launcher'],
    'n',
    factor(0.1, 100).default(2),
    'how many times its memory a host may promise to running apps (the sum of their limits); an app that has no room there is not started',
  ),
  cpuOvercommit: setting(
    ['up', 'launcher'],
    'n',
    factor(0.1, 1000).default(50),
    'how many times its CPUs a host may promise; apps that wait for requests use none, and those that work share',
  ),
  instancesPerHost: setting(
    ['up', 'launcher'],
    'n',
    number(1, 10_000).default(500),
    'instances on one host at most',
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
} as const
