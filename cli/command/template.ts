import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import type { z } from 'zod'
import { complaints } from '../../launcher/api/problems.ts'
import { escapeLine } from '../escape.ts'
import { misuse } from '../failure.ts'
import { collect } from '../option.ts'
import type { Terminal } from '../terminal.ts'

/** The options that describe an App, for `app` and `blueprint` alike, named like the fields they fill. */
export function addTemplate(command: Command): Command {
  return command
    .optionsGroup('App:')
    .option('--image <reference>', 'image to run')
    .option('--port <n>', 'port the app listens on inside its container (default: 8000)')
    .option('-e, --env <KEY=value>', 'environment variable; may be given several times', collect)
    .option('--command <word...>', "command to run instead of the image's own; or after --")
    .option(
      '--health <check>',
      'auto, auto:/path, tcp, image, http:/path or command:["..."] (default: auto)',
    )
    .option(
      '--idle-after <time>',
      'how long unused until it sleeps: 90s, 5m, 1h; a bare number is seconds (default: 5m)',
    )
    .option(
      '--sleep <how>',
      'stop, pause or remove; deeper ones after a longer time: pause,stop:1h (default: stop)',
    )
    .option('--prefetch', 'pull its image ahead to the hosts it may run on')
    .option('--no-prefetch', 'pull it when it is started there first (default)')
    .option('--start-timeout <time>', 'how long a start may take (default: 60s)')
    .option('--stop-timeout <time>', 'how long it may take to end (default: 10s)')
    .option('--min <n>', 'instances that never sleep (default: 0)')
    .option('--replicas <n>', 'instances that run while it is used (default: 1)')
    .option('--sticky', 'a client stays with the instance that answered it first, by a cookie')
    .option('--no-sticky', 'any instance may answer (default)')
    .option(
      '--route <route>',
      'path: at /<name> (default), none: not there; or what else leads to it: host.example.com, /foo/bar, host.example.com/api, =/exact/path; may be given several times, "" for none of these',
      collect,
    )
    .option(
      '--network <whose>',
      "sandbox: the address stays while it sleeps, and it starts faster; bridge; host (default: the launcher's)",
    )
    .option('--memory <amount>', 'memory of an instance (default: 512m)')
    .option('--cpus <n>', 'CPUs of an instance, fractions allowed (default: 1)')
    .option('--pids <n>', 'processes and threads of an instance (default: 512)')
    .option(
      '--constraint <label==value>',
      'a host it may run on has this label, or with != has it not; host is the name of a host; may be given several times',
      collect,
    )
    .option(
      '--anti-affinity <how>',
      'instances on different hosts: prefer, or require (default: prefer)',
    )
    .option('--depends-on <app>', 'app to wake before it; may be given several times', collect)
    .option('--group <name>', 'apps of a group share a host and reach each other by name')
    .option(
      '--volume <name:/path[:ro]>',
      'volume that is kept; may be given several times',
      collect,
    )
}

/** The same for a change: what is not given stays as it is, so there are no defaults to tell. */
export function addChanges(command: Command): Command {
  addTemplate(command)
  for (const option of command.options)
    option.description = option.description.replace(/ \(default(: [^)]*)?\)/, '')
  return command
}

/** What was typed for {@link addTemplate}, all text. */
export interface TemplateFlags {
  image?: string
  port?: string
  env?: string[]
  command?: string[]
  health?: string
  idleAfter?: string
  sleep?: string
  startTimeout?: string
  stopTimeout?: string
  min?: string
  replicas?: string
  sticky?: boolean
  prefetch?: boolean
  route?: string[]
  memory?: string
  cpus?: string
  pids?: string
  constraint?: string[]
  antiAffinity?: string
  dependsOn?: string[]
  group?: string
  volume?: string[]
  network?: string
}

/** Fields that are typed as the model takes them. */
const TEXTS = [
  'image',
  'health',
  'idleAfter',
  'sleep',
  'startTimeout',
  'stopTimeout',
  'antiAffinity',
  'group',
  'network',
] as const
const NUMBER = /^-?[0-9]+(?:\.[0-9]+)?$/

/** The fields of an App that were given, over those of `base`. Their values are judged by the model, not here. */
export function readTemplate(
  flags: TemplateFlags,
  words: string[],
  base: Record<string, unknown>,
): Record<string, unknown> {
  const number = (text: string): unknown => (NUMBER.test(text) ? Number(text) : text)
  const fields: Record<string, unknown> = { ...base }
  for (const name of TEXTS) if (flags[name] !== undefined) fields[name] = flags[name]
  for (const name of ['port', 'min', 'replicas'] as const)
    if (flags[name] !== undefined) fields[name] = number(flags[name])
  for (const name of ['sticky', 'prefetch'] as const)
    if (flags[name] !== undefined) fields[name] = flags[name]
  if (flags.route) Object.assign(fields, readRoutes(flags.route))
  if (flags.dependsOn) fields.dependsOn = flags.dependsOn
  if (flags.volume) fields.volumes = flags.volume
  const command = [...(flags.command ?? []), ...words]
  if (command.length > 0) fields.command = command
  if (flags.env) fields.env = { ...asRecord(base.env), ...readEnv(flags.env) }
  if (flags.constraint) fields.constraints = flags.constraint.filter((text) => text !== '')
  const limits = {
    ...(flags.memory !== undefined && { memory: flags.memory }),
    ...(flags.cpus !== undefined && { cpus: number(flags.cpus) }),
    ...(flags.pids !== undefined && { pids: number(flags.pids) }),
  }
  if (Object.keys(limits).length > 0) fields.limits = { ...asRecord(base.limits), ...limits }
  return fields
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

/** `path` and `none` say whether the name leads there; every other text is a route beside it. */
function readRoutes(texts: string[]): Record<string, unknown> {
  const how = texts.findLast((text) => text === 'path' || text === 'none')
  const routes = texts.filter((text) => text !== 'path' && text !== 'none')
  return {
    ...(how !== undefined && { route: how }),
    ...(routes.length > 0 && { routes: routes.filter((text) => text !== '') }),
  }
}

function readEnv(pairs: string[]): Record<string, string> {
  const env: [string, string][] = pairs.map((pair) => {
    const at = pair.indexOf('=')
    if (at < 1) throw misuse(`--env ${pair} is not KEY=value`)
    return [pair.slice(0, at), pair.slice(at + 1)]
  })
  return Object.fromEntries(env)
}

/**
 * Reads the JSON of `--file`, `-` for stdin: one record or a list of them, as `ls --json` prints them too. How an app
 * was then is no part of what it is, and what a blueprint made is not to be stored: these are left out.
 */
export async function readRecords(
  terminal: Terminal,
  path: string,
): Promise<Record<string, unknown>[]> {
  try {
    const text = path === '-' ? await terminal.read() : readFileSync(path, 'utf8')
    const data: unknown = JSON.parse(text)
    return (Array.isArray(data) ? data : [data]).flatMap((item) => {
      const { status, ...record } = asRecord(item)
      const { blueprint } = asRecord(status)
      if (typeof blueprint !== 'string') return [record]
      terminal.err(
        `${escapeLine(String(record.name))} is left out: ${escapeLine(blueprint)} makes it\n`,
      )
      return []
    })
  } catch (error) {
    throw misuse(`cannot read JSON from ${path}: ${(error as Error).message}`)
  }
}

/** Checks a record as the API will, so that a slip is named before anything is sent. */
export function check<T>(schema: z.ZodType<T>, record: unknown, help: string, label = ''): T {
  const parsed = schema.safeParse(record)
  if (parsed.success) return parsed.data
  const issues = complaints(parsed.error).map(({ path, message }) =>
    path === '' ? message : `${path}: ${message}`,
  )
  throw misuse(`${label}${issues.join('; ')}`, `See what it takes: ${help}`)
}
