import type { Command } from 'commander'
import type { z } from 'zod'
import { formatDuration } from '../../model/duration.ts'
import { printJson } from '../escape.ts'
import { misuse } from '../failure.ts'
import { addExamples } from '../option.ts'
import { Blueprint, Blueprints, understand } from '../reply.ts'
import { addConnection, pathOf, withSession } from '../session.ts'
import { printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { forget } from './forget.ts'
import { store } from './store.ts'
import { addTemplate, check, readRecords, readTemplate, type TemplateFlags } from './template.ts'

type Flags = TemplateFlags &
  Record<string, unknown> & { file?: string; pattern?: string; replace?: boolean }

const EVERY = 'reveille blueprint add --help'

/** `reveille blueprint add|ls|show|rm` */
export function addBlueprint(program: Command, terminal: Terminal): void {
  const blueprint = program
    .command('blueprint')
    .description('make apps out of any name that fits a pattern')
  addExamples(blueprint, [
    [
      "reveille blueprint add previews --pattern '^pr-[0-9]+$' --image shop:1",
      '/pr-17/ just works',
    ],
    ['reveille blueprint ls', 'which blueprints there are'],
  ])
  addAdd(blueprint, terminal)
  addList(blueprint, terminal)
  addShow(blueprint, terminal)
  const remove = blueprint.command('rm').description('forget blueprints')
  remove.argument('<name...>', 'blueprints to remove')
  addExamples(addConnection(remove), [['reveille blueprint rm previews', 'remove previews']])
  remove.action((names: string[], flags: Flags) => forget(terminal, 'blueprint', names, flags))
}

function addAdd(blueprint: Command, terminal: Terminal): void {
  const add = blueprint.command('add').description('add a blueprint')
  add.argument('[name]', 'name of the blueprint').argument('[command...]', 'after --')
  add.option('--pattern <regex>', 'names it is for, like ^pr-[0-9]+$ (quote it for the shell)')
  addTemplate(add)
    .option('-f, --file <file>', 'read it from JSON; - is stdin; flags come on top')
    .option('--replace', 'also where there is a blueprint of that name')
  addExamples(addConnection(add), [
    [
      "reveille blueprint add previews --pattern '^pr-[0-9]+$' --image shop:1 -e BRANCH={{name}}",
      '{{name}} stands for the name asked for: in environment, command, routes, group, volumes and what it depends on',
    ],
    ['reveille blueprint add --file all.json', 'one, or a list, as blueprint ls --json prints it'],
  ])
  add.action((name: string | undefined, words: string[], flags: Flags) =>
    withSession(terminal, flags, async (session) => {
      const records = flags.file === undefined ? [{}] : await readRecords(terminal, flags.file)
      if (name !== undefined && records.length > 1)
        throw misuse(`${flags.file} has several blueprints: they have their names in the file`)
      const blueprints = records.map((record) => read(record, name, words, flags))
      await store(session, blueprints, {
        kind: 'blueprint',
        replace: flags.replace ?? false,
        onStored: (answer) => {
          const stored = understand(Blueprint, answer)
          terminal.out(
            session.json
              ? `${printJson(stored)}\n`
              : `${stored.name} is there: every name that fits ${stored.pattern} is an app now\n`,
          )
        },
        hints: [],
      })
    }),
  )
}

function read(
  record: Record<string, unknown>,
  name: string | undefined,
  words: string[],
  flags: Flags,
): z.output<typeof Blueprint> {
  const base = typeof record.app === 'object' && record.app !== null ? { ...record.app } : {}
  const fields: Record<string, unknown> = { ...record, app: readTemplate(flags, words, base) }
  if (name !== undefined) fields.name = name
  if (flags.pattern !== undefined) fields.pattern = flags.pattern
  if (fields.name === undefined) throw misuse('the blueprint needs a name', `See: ${EVERY}`)
  if (fields.pattern === undefined)
    throw misuse('pattern: a blueprint needs --pattern', `See: ${EVERY}`)
  return check(Blueprint, fields, EVERY)
}

function addList(blueprint: Command, terminal: Terminal): void {
  const list = blueprint.command('ls').description('list blueprints')
  addExamples(addConnection(list), [['reveille blueprint ls', 'as a table']])
  list.action((flags: Flags) =>
    withSession(terminal, flags, async ({ api, json }) => {
      const { blueprints } = understand(Blueprints, await api.get('/v1/blueprints'))
      if (json) return terminal.out(`${printJson(blueprints)}\n`)
      const rows = blueprints.map(({ name, pattern, app }) => [
        name,
        pattern,
        app.image,
        formatDuration(app.idleAfter),
      ])
      if (rows.length > 0)
        return printTable(terminal, ['NAME', 'PATTERN', 'IMAGE', 'IDLE AFTER'], rows)
      terminal.err(`There are no blueprints yet. See how to add one: ${EVERY}\n`)
    }),
  )
}

function addShow(blueprint: Command, terminal: Terminal): void {
  const show = blueprint.command('show').description('show a blueprint as JSON')
  show.argument('<name>', 'the blueprint')
  addExamples(addConnection(show), [['reveille blueprint show previews', 'what it is made of']])
  show.action((name: string, flags: Flags) =>
    withSession(terminal, flags, async ({ api }) => {
      const found = understand(Blueprint, await api.get(pathOf('blueprint', name)))
      terminal.out(`${printJson(found)}\n`)
    }),
  )
}
