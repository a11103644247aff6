import type { Command } from 'commander'
import { formatDuration } from '../../model/duration.ts'
import { printJson } from '../escape.ts'
import { misuse } from '../failure.ts'
import { addExamples } from '../option.ts'
import { Blueprint, Blueprints, understand } from '../reply.ts'
import { addConnection, pathOf, withSession } from '../session.ts'
import { printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { forget } from './forget.ts'
import { addTemplate, check, readRecords, readTemplate, type TemplateFlags } from './template.ts'

type Flags = TemplateFlags & Record<string, unknown> & { file?: string; pattern?: string }

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
  addTemplate(add).option('-f, --file <file>', 'read it from JSON; - is stdin; flags come on top')
  addExamples(addConnection(add), [
    [
      "reveille blueprint add previews --pattern '^pr-[0-9]+$' --image shop:1 -e BRANCH={{name}}",
      '{{name}} in the environment and the command stands for the name asked for',
    ],
    ['reveille blueprint add --file previews.json', 'from a file'],
  ])
  add.action((name: string | undefined, words: string[], flags: Flags) =>
    withSession(terminal, flags, async ({ api, json }) => {
      const [record = {}, ...others] =
        flags.file === undefined ? [] : await readRecords(terminal, flags.file)
      if (others.length > 0) throw misuse(`${flags.file} has several blueprints: give one`)
      const base = typeof record.app === 'object' && record.app !== null ? { ...record.app } : {}
      const fields: Record<string, unknown> = { ...record, app: readTemplate(flags, words, base) }
      if (name !== undefined) fields.name = name
      if (flags.pattern !== undefined) fields.pattern = flags.pattern
      if (fields.name === undefined) throw misuse('the blueprint needs a name', `See: ${EVERY}`)
      if (fields.pattern === undefined)
        throw misuse('pattern: a blueprint needs --pattern', `See: ${EVERY}`)
      const body = check(Blueprint, fields, EVERY)
      const stored = understand(Blueprint, await api.send('POST', '/v1/blueprints', { body }))
      if (json) return terminal.out(`${printJson(stored)}\n`)
      terminal.out(
        `${stored.name} is there: every name that fits ${stored.pattern} is an app now\n`,
      )
    }),
  )
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
