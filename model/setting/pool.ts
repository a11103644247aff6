import { z } from 'zod'
import { list, listen, seconds, setting } from './kind.ts'

/** What a process that keeps pools needs to know. */
export const POOL_SETTINGS = {
  pools: setting(
    ['pool'],
    'file',
    z.string().default(''),
    'JSON file of pools: routes, balance, servers and where to scan for them',
  ),
  servers: setting(
    ['pool'],
    'list',
    list(z.string()).default([]),
    'servers that are always in: static=10.0.0.2:80 10.0.0.3:80,other=...; or by a variable <POOL>_BACKEND',
  ),
  scanInterval: setting(
    ['pool'],
    'time',
    seconds(300).default(2),
    'within which a server is found, and found missing',
  ),
  announceListen: setting(
    ['pool'],
    'address',
    listen.default('127.0.0.1:8095'),
    'UDP address on which instances announce themselves, where there is a key',
  ),
  announceKeyFile: setting(
    ['pool'],
    'file',
    z.string().default(''),
    'file with the key that announcements are signed with; without it none is listened to',
  ),
  poolAdmin: setting(
    ['pool'],
    'address',
    listen.default('127.0.0.1:8096'),
    'where /healthz and /metrics of the pool process are',
  ),
} as const
