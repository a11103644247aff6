import type { Command } from 'commander'
import { AppPatch } from '../../model/patch.ts'
import { printJson } from '../escape.ts'
import { misuse } from '../failure.ts'
import { addExamples } from '../option.ts'
import { Replaced, understandText } from '../reply.ts'
import { addConnection, pathOf, type Session, withSession } from '../session.ts'
import type { Terminal } from '../terminal.ts'
import { rollInSight } from './roll.ts'
import { addChanges, check, readRecords, readTemplate, type TemplateFlags } from './template.ts'

type Flags = TemplateFlags & Record<string, unknown> & { file?: string }

/** `reveille app replace <name>` */
export function addReplace(app: Command, terminal: Terminal): void {
  const replace = app
    .command('replace')
    .description('change fields of an app and exchange its instances while it is used')
  replace.argument('<name>', 'the app').argument('[command...]', 'after --')
  addChanges(replace).option('-f, --file <file>', 'read fields from JSON; - is stdin')
  addExamples(addConnection(replace), [
    ['reveille app replace shop --image shop:2', 'no request fails; back if shop:2 does not start'],
    ['reveille app replace shop -e MODE=test', 'another environment, the same image'],
  ])
  replace.action((name: string, words: string[], flags: Flags) =>
    withSession(terminal, flags, async (session) => {
      const { name: _, ...record } =
        flags.file === undefined ? {} : await readOne(terminal, flags.file)
      const fields = readTemplate(flags, words, record)
      if (Object.keys(fields).length === 0)
        throw misuse('nothing to change was given', 'See what can be: reveille app replace --help')
      // Sent as it was typed: the API reads it again.
      check(AppPatch, fields, 'reveille app replace --help')
      await replaceInSight(session, name, fields)
    }),
  )
}

async function readOne(terminal: Terminal, file: string): Promise<Record<string, unknown>> {
  const [record = {}, ...others] = await readRecords(terminal, file)
  if (others.length > 0) throw misuse(`${file} has several apps: give one`)
  return record
}

async function replaceInSight(session: Session, name: string, fields: object): Promise<void> {
  const { json, terminal, urlOf } = session
  const data = await rollInSight(session, {
    ...{ method: 'POST', path: `${pathOf('app', name)}/replace`, body: fields, done: 'replaced' },
    untouched: `Nothing was changed: ${name} is as it was.`,
    goesOn: `${name} goes on being replaced: see reveille app show ${name}`,
  })
  const { app, slots, left } = understandText(Replaced, data)
  if (json)
    return terminal.out(`${printJson({ event: 'replaced', ...(JSON.parse(data) as object) }, 0)}\n`)
  const made = slots.length === 0 ? 'nothing had to be made anew' : `made anew: ${slots.join(', ')}`
  terminal.out(`${app} is replaced at ${await urlOf(app)} (${made})\n`)
  for (const line of left) terminal.err(`not removed: ${line}\n`)
}
