import { z } from 'zod'
import { address, engineUrl, hostLabel, list, listen, number, seconds, setting } from './kind.ts'

/** What a registrar needs to know, beside its engine. */
export const REGISTRAR_SETTINGS = {
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
    engineUrl.default(''),
    'how launchers reach the engine; the value of docker unless given',
  ),
  address: setting(
    ['up', 'registrar'],
    'ip',
    address.default(''),
    'IP address the instances of this host are reached at; the bridge of the engine unless given',
  ),
  hostLabels: setting(
    ['up', 'registrar'],
    'list',
    list(hostLabel).default([]),
    'what apps may ask of this host: zone=a,disk=ssd',
  ),
  registrarAdmin: setting(
    ['up', 'registrar'],
    'address',
    listen.default('127.0.0.1:8093'),
    'where /healthz and /metrics of the registrar are',
  ),
  drainTimeout: setting(
    ['up', 'launcher', 'registrar'],
    'time',
    seconds(3600).default(30),
    'how long open requests may keep an instance that is told to sleep',
  ),
  sandboxes: setting(
    ['up', 'registrar'],
    'n',
    number(0, 1000).optional(),
    'so many stopped instances of this host keep their sandbox, and with it their address; of more, those that nobody has used for longest give it back until they are woken; unless given 500, or as many as take a tenth of its memory at 4.5 MB each',
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
} as const
