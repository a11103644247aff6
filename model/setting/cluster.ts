import { z } from 'zod'
import { ALL, endpoint, id, list, network, SERVICES, seconds, setting } from './kind.ts'

/** What the services have in common. */
export const CLUSTER_SETTINGS = {
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
  dockerCa: setting(
    ['up', 'launcher', 'registrar'],
    'file',
    z.string().default(''),
    'CA certificate of the engines at tcp:// (PEM): they are reached by TLS',
  ),
  dockerCert: setting(
    ['up', 'launcher', 'registrar'],
    'file',
    z.string().default(''),
    'client certificate for engines at tcp:// (PEM)',
  ),
  dockerKey: setting(
    ['up', 'launcher', 'registrar'],
    'file',
    z.string().default(''),
    'key of the client certificate for engines (PEM)',
  ),
  dockerSsh: setting(
    ['up', 'launcher', 'registrar'],
    'file',
    z.string().default(''),
    "ssh_config file for engines at ssh://; the user's own unless given",
  ),
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
    list(endpoint).default([]),
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
} as const
