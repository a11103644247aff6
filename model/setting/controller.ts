import { z } from 'zod'
import { AccessLog } from './access-log.ts'
import { list, listen, network, seconds, setting } from './kind.ts'
import { ProxyKind } from './proxy.ts'

/** What a controller needs to know, beside its gateway. */
export const CONTROLLER_SETTINGS = {
  listen: setting(
    ['up', 'controller'],
    'address',
    listen.default('0.0.0.0:8080'),
    'where the gateway listens',
  ),
  proxy: setting(
    ['up', 'controller'],
    'nginx|haproxy',
    ProxyKind.default('nginx'),
    'the proxy that the configuration is written for',
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
    'configuration file to write; <run-dir>/nginx.conf or haproxy.cfg unless given',
  ),
  checkCmd: setting(
    ['up', 'controller'],
    'command',
    z.string().default(''),
    'checks a candidate; {{candidate}} stands for its path; nginx -t or haproxy -c unless given',
  ),
  reloadCmd: setting(
    ['up', 'controller'],
    'command',
    z.string().default(''),
    'makes the proxy read the new file; unless given, the master named by <run-dir>/nginx/nginx.pid gets SIGHUP, or the one of <run-dir>/haproxy/haproxy.pid SIGUSR2',
  ),
  live: setting(
    ['up', 'controller'],
    'auto|on|off',
    z.enum(['auto', 'on', 'off']).default('auto'),
    "keep the routes in nginx's memory, where they change without a reload; auto: where its Lua module is, and template and commands are the built-in ones",
  ),
  silentSockets: setting(
    ['up', 'controller'],
    'time',
    seconds(3600).default(3600),
    'how long a WebSocket may be open without a word of either side; then it is closed, and keeps no app awake. Less than an hour needs live routes',
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
  accessLog: setting(
    ['up', 'controller'],
    'file|syslog|off',
    AccessLog.default('off'),
    'where the proxy logs each request as JSON, with the address of the server that answered; syslog is /dev/log',
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
  launcherNetworks: setting(
    ['up', 'launcher', 'controller'],
    'list',
    list(network).default([]),
    'networks launchers may register from; loopback and those of --networks unless given',
  ),
} as const
