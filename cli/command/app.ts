import type { Command } from 'commander'
import type { z } from 'zod'
import { App } from '../../model/app.ts'
import { formatDuration } from '../../model/duration.ts'
import { formatHealth } from '../../model/health.ts'
import { printJson } from '../escape.ts'
import { misuse } from '../failure.ts'
import { addExamples } from '../option.ts'
import { Apps, AppView, understand } from '../reply.ts'
import { addConnection, pathOf, type Session, urlOf, withSession } from '../session.ts'
import { printFields, printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { forget } from './forget.ts'
import { stateCell } from './instance.ts'
import { addTemplate, check, readRecords, readTemplate, type TemplateFlags } from './template.ts'

type Flags = TemplateFlags & Record<string, unknown> & { file?: string }

const EVERY = 'reveille app add --help'

/** `reveille app add|set|ls|show|rm` */
export function addApp(program: Command, terminal: Terminal): void {
  const app = program.command('app').description('add, change, list and remove apps')
  addExamples(app, [
    ['reveille app add shop --image shop:1 --port 3000', 'an app at NGINX_HOST/shop'],
    ['reveille app ls', 'which apps there are'],
  ])
  addAdd(app, terminal)
  addSet(app, terminal)
  addList(app, terminal)
  addShow(app, terminal)
  const remove = app.command('rm').description('forget apps and remove their containers')
  remove.argument('<name...>', 'apps to remove')
  addExamples(addConnection(remove), [['reveille app rm shop', 'remove shop']])
  remove.action((names: string[], flags: Flags) => forget(terminal, 'app', names, flags))
}

function addAdd(app: Command, terminal: Terminal): void {
  const add = app.command('add').description('add an app; it starts when it is first asked for')
  add.argument('[name]', 'first part of its URL path').argument('[command...]', 'after --')
  addTemplate(add).option('-f, --file <file>', 'read it from JSON; - is stdin; flags come on top')
  addExamples(addConnection(add), [
    ['reveille app add shop --image shop:1 --port 3000 -e MODE=live', 'an app at /shop/'],
    ['reveille app add docs --image nginx:1 --port 80 --health http:/', 'ready when / answers'],
    ['reveille app add job --image node:20 -- node server.js --verbose', 'with its own command'],
    ['reveille app add --file apps.json', 'one app, or a list of them'],
  ])
  add.action((name: string | undefined, words: string[], flags: Flags) =>
    withSession(terminal, flags, async (session) => {
      const records = flags.file === undefined ? [{}] : await readRecords(terminal, flags.file)
      if (name !== undefined && records.length > 1)
        throw misuse(`${flags.file} has several apps: they have their names in the file`)
      const apps = records.map((record) => {
        const fields = readTemplate(flags, words, record)
        if (name !== undefined) fields.name = name
        if (fields.name === undefined) throw misuse('the app needs a name', `See: ${EVERY}`)
        if (fields.image === undefined) throw misuse('image: an app needs --image', `See: ${EVERY}`)
        return check(App, fields, EVERY)
      })
      for (const record of apps) await tell(session, record, 'POST', '/v1/apps', {})
    }),
  )
}

function addSet(app: Command, terminal: Terminal): void {
  const set = app.command('set').description('change fields of an app, the others stay')
  set.argument('<name>', 'the app').argument('[command...]', 'after --')
  addTemplate(set).option('-f, --file <file>', 'read fields from JSON; - is stdin')
  addExamples(addConnection(set), [
    ['reveille app set shop --image shop:2', 'another image, from the next start'],
    ['reveille app set shop --min 1', 'it never sleeps'],
  ])
  set.action((name: string, words: string[], flags: Flags) =>
    withSession(terminal, flags, async (session) => {
      const path = pathOf('app', name)
      const [record = {}] = flags.file === undefined ? [] : await readRecords(terminal, flags.file)
      const { value, etag } = await session.api.read(path)
      const { status: _, ...current } = understand(AppView, value)
      const fields = readTemplate(flags, words, { ...current, ...record, name: current.name })
      const headers: Record<string, string> = etag === '' ? {} : { 'if-match': etag }
      await tell(session, check(App, fields, 'reveille app set --help'), 'PUT', path, headers)
    }),
  )
}

async function tell(
  { api, json, settings, terminal }: Session,
  app: App,
  method: 'POST' | 'PUT',
  path: string,
  headers: Record<string, string>,
): Promise<void> {
  const stored = understand(AppView, await api.send(method, path, { body: app, headers }))
  if (json) return terminal.out(`${printJson(stored)}\n`)
  const done = method === 'POST' ? 'is there' : 'is changed, from its next start on'
  terminal.out(`${stored.name} ${done}: ${urlOf(settings, stored.name)}\n`)
}

function addList(app: Command, terminal: Terminal): void {
  const list = app.command('ls').description('list apps')
  addExamples(addConnection(list), [
    ['reveille app ls', 'as a table'],
    ["reveille app ls --json | jq -r '.[].name'", 'names only'],
  ])
  list.action((flags: Flags) =>
    withSession(terminal, flags, async ({ api, json }) => {
      const { apps } = understand(Apps, await api.get('/v1/apps'))
      if (json) return terminal.out(`${printJson(apps)}\n`)
      const rows = apps.map((row) => [
        row.name,
        stateCell(row.status.state),
        row.image,
        row.min > 0 ? `${row.min} stay` : formatDuration(row.idleAfter),
        String(row.replicas),
      ])
      if (rows.length > 0)
        return printTable(terminal, ['NAME', 'STATE', 'IMAGE', 'IDLE AFTER', 'REPLICAS'], rows)
      terminal.err('There are no apps yet. Add one: reveille app add shop --image shop:1\n')
    }),
  )
}

function addShow(app: Command, terminal: Terminal): void {
  const show = app.command('show').description('show an app in full').argument('<name>', 'the app')
  addExamples(addConnection(show), [
    ['reveille app show shop', 'what it is made of'],
    ['reveille app show shop --json', 'for a script, with its status'],
  ])
  show.action((name: string, flags: Flags) =>
    withSession(terminal, flags, async ({ api, json, settings }) => {
      const found = understand(AppView, await api.get(pathOf('app', name)))
      if (json) return terminal.out(`${printJson(found)}\n`)
      printFields(terminal, { ...describe(found), url: urlOf(settings, found.name) })
    }),
  )
}

function describe({ limits, status, ...app }: z.output<typeof AppView>): Record<string, string> {
  return {
    name: app.name,
    state: status.state,
    endpoints: status.slots.map(({ endpoint }) => endpoint).join(', '),
    lastUsed: status.lastUsed ?? 'not known',
    image: app.image,
    port: String(app.port),
    env: Object.entries(app.env)
      .map(([key, value]) => `${key}=${value}`)
      .join(' '),
    command: app.command?.join(' ') ?? "the image's own",
    health: formatHealth(app.health),
    idleAfter: formatDuration(app.idleAfter),
    startTimeout: formatDuration(app.startTimeout),
    stopTimeout: formatDuration(app.stopTimeout),
    instances: `${app.min} stay awake, ${app.replicas} while used`,
    limits: `${limits.memory / 1024 ** 2} MiB, ${limits.cpus} CPUs, ${limits.pids} processes`,
  }
}
