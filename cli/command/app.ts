import type { Command } from 'commander'
import { App } from '../../model/app.ts'
import { formatDuration } from '../../model/duration.ts'
import { canonical } from '../../model/name.ts'
import { printJson } from '../escape.ts'
import { Failure, misuse } from '../failure.ts'
import { addExamples } from '../option.ts'
import { Apps, AppView, understand } from '../reply.ts'
import { addConnection, pathOf, type Session, withSession } from '../session.ts'
import { printFields, printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { describe, lacks, noteOf, whereIs } from './app-text.ts'
import { forget } from './forget.ts'
import { stateCell } from './instance.ts'
import { addReplace } from './replace.ts'
import { store } from './store.ts'
import {
  addChanges,
  addTemplate,
  check,
  readRecords,
  readTemplate,
  type TemplateFlags,
} from './template.ts'

type Flags = TemplateFlags & Record<string, unknown> & { file?: string; replace?: boolean }

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
  addReplace(app, terminal)
  addList(app, terminal)
  addShow(app, terminal)
  const remove = app.command('rm').description('forget apps and remove their containers')
  remove.argument('<name...>', 'apps to remove')
  remove.option('--force', 'also those that other apps depend on')
  remove.option('--volumes', 'their volumes too, with all that is in them; else these stay')
  addExamples(addConnection(remove), [['reveille app rm shop', 'remove shop']])
  remove.action((names: string[], flags: Flags) => forget(terminal, 'app', names, flags))
}

function addAdd(app: Command, terminal: Terminal): void {
  const add = app.command('add').description('add an app; it starts when it is first asked for')
  add.argument('[name]', 'first part of its URL path').argument('[command...]', 'after --')
  addTemplate(add)
    .option('-f, --file <file>', 'read it from JSON; - is stdin; flags come on top')
    .option('--replace', 'also where there is an app of that name')
  addExamples(addConnection(add), [
    ['reveille app add shop --image shop:1 --port 3000 -e MODE=live', 'an app at /shop/'],
    ['reveille app add docs --image nginx:1 --port 80 --health http:/', 'ready when / answers'],
    ['reveille app add job --image node:20 -- node server.js --verbose', 'with its own command'],
    ['reveille app add shop --image shop:1 --group shop --depends-on db', 'with a database'],
    ['reveille app add --file apps.json', 'one app, or a list of them, as app ls --json prints it'],
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
        return check(App, fields, EVERY, labelOf(fields, records))
      })
      await store(session, apps, {
        kind: 'app',
        replace: flags.replace ?? false,
        onStored: (stored) => tell(session, stored, 'is there', apps),
        hints: apps.map((record) => `Change fields of it: reveille app set ${record.name} ...`),
      })
    }),
  )
}

/** Which of several records is wrong. */
function labelOf({ name }: Record<string, unknown>, records: unknown[]): string {
  return records.length > 1 ? `${String(name)}: ` : ''
}

function addSet(app: Command, terminal: Terminal): void {
  const set = app
    .command('set')
    .description('change fields of an app, from its next start on; the others stay')
  set.argument('<name>', 'the app').argument('[command...]', 'after --')
  addChanges(set).option('-f, --file <file>', 'read fields from JSON; - is stdin')
  addExamples(addConnection(set), [
    ['reveille app set shop --image shop:2', 'another image, from the next start'],
    ['reveille app set shop --min 1', 'it never sleeps'],
    ['reveille app set shop --constraint zone==b', 'where it may run; "" for anywhere'],
  ])
  set.action((name: string, words: string[], flags: Flags) =>
    withSession(terminal, flags, async (session) => {
      const path = pathOf('app', name)
      const [record = {}, ...others] =
        flags.file === undefined ? [] : await readRecords(terminal, flags.file)
      if (others.length > 0) throw misuse(`${flags.file} has several apps: give one`)
      if (Object.keys(readTemplate(flags, words, record)).length === 0)
        throw misuse('nothing to change was given', 'See what can be: reveille app set --help')
      const { value, etag } = await session.api.read(path)
      const { status, ...current } = understand(AppView, value)
      if (status.blueprint !== undefined)
        throw new Failure(`${current.name} is not stored: blueprint ${status.blueprint} makes it`, [
          `See what it makes: reveille blueprint show ${status.blueprint}`,
          `Store an app of that name instead: reveille app add ${current.name} --image ...`,
        ])
      const fields = readTemplate(flags, words, { ...current, ...record, name: current.name })
      const headers: Record<string, string> = etag === '' ? {} : { 'if-match': etag }
      const body = check(App, fields, 'reveille app set --help')
      const stored = await session.api.send('PUT', path, { body, headers })
      await tell(session, stored, 'is changed, from its next start on')
    }),
  )
}

/** @param others what is added along with it */
async function tell(
  session: Session,
  answer: unknown,
  done: string,
  others: readonly App[] = [],
): Promise<void> {
  const { json, terminal } = session
  const stored = understand(AppView, answer)
  const added = new Set(others.map(({ name }) => canonical(name)))
  for (const name of stored.status.missing ?? [])
    if (!added.has(canonical(name))) terminal.err(lacks(stored.name, name))
  if (json) return terminal.out(`${printJson(stored)}\n`)
  const where = await whereIs(session, stored)
  terminal.out(`${stored.name} ${done}: ${where}\n`)
}

const HEAD = ['NAME', 'STATE', 'IMAGE', 'IDLE AFTER', 'READY', 'NOTE']

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
        `${row.status.slots.length}/${row.replicas}`,
        noteOf(row),
      ])
      if (rows.length > 0) return printTable(terminal, HEAD, rows)
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
    withSession(terminal, flags, async (session) => {
      const { api, json } = session
      const found = understand(AppView, await api.get(pathOf('app', name)))
      if (json) return terminal.out(`${printJson(found)}\n`)
      printFields(terminal, { ...describe(found), url: await whereIs(session, found) })
    }),
  )
}
