import type { z } from 'zod'
import { listForeign } from '../../adapters/docker-foreign.ts'
import { isEngineUrl } from '../../model/engine-url.ts'
import { canonical } from '../../model/name.ts'
import { escapeLine, printJson } from '../escape.ts'
import { Failure, misuse } from '../failure.ts'
import { Apps, type AppView, understand } from '../reply.ts'
import type { Session } from '../session.ts'
import type { Terminal } from '../terminal.ts'
import { storeAll } from './apply.ts'
import { asSource } from './container.ts'
import { readDocument, type Source } from './document.ts'
import { importProject, type Plan } from './project.ts'
import { type Fate, lineOf, printPlan } from './report.ts'
import { readText } from './text.ts'

export type Flags = Record<string, unknown> & {
  apply?: boolean
  replace?: boolean
  docker?: string
}
type Known = z.output<typeof AppView>[]

/** What is to be done with a file. */
interface Import {
  /** as messages name it */
  file: string
  plan: Plan
  /** whether apps that are there give way */
  replace: boolean
}

/** Imports the file at `path`, or with `--docker` what an engine runs: those of `services`, or all. */
export async function run(
  session: Session,
  path: string | undefined,
  services: string[],
  flags: Flags,
): Promise<void> {
  const { docker, replace = false } = flags
  const words = [path ?? [], ...services].flat()
  const source =
    docker === undefined ? await readFile(session.terminal, path) : await readEngine(docker)
  const plan = importProject(source, docker === undefined ? services : words)
  const work: Import = { file: source.name, plan, replace }
  const how = docker === undefined ? words : ['--docker', docker, ...words]
  await (flags.apply ? apply(session, work) : show(session, work, how))
}

async function readFile(terminal: Terminal, path: string | undefined): Promise<Source> {
  if (path === undefined)
    throw misuse('the compose file is not named', 'See: reveille import --help')
  return readDocument(await readText(terminal, path), path === '-' ? 'stdin' : path)
}

async function readEngine(url: string): Promise<Source> {
  if (!isEngineUrl(url) || url.startsWith('ssh:'))
    throw misuse(`--docker ${url} is neither unix:///path nor tcp://address:port`)
  return asSource(await listForeign(url, {}), url)
}

/** Prints what would be done. Which apps are there is told if somebody can be asked. */
async function show(session: Session, work: Import, words: string[]): Promise<void> {
  const { terminal, json } = session
  const known = await knownTo(session).catch((error: Error) => error)
  const fateOf = (name: string): Fate =>
    known instanceof Error ? 'unknown' : fate(name, known, work.replace)
  const { file, plan } = work
  if (json) {
    const apps = plan.apps.map((app) => ({ ...app, fate: fateOf(app.name) }))
    return terminal.out(`${printJson({ applied: false, ...plan, fates: fatesOf(apps) })}\n`)
  }
  printPlan(terminal, file, plan.apps, plan.notes, fateOf)
  if (known instanceof Error)
    terminal.err(`Whether they are there already is not known: ${escapeLine(known.message)}\n`)
  const line = ['reveille import', ...words, '--apply', ...(work.replace ? ['--replace'] : [])]
  terminal.err(`\nNothing was changed. Do it: ${escapeLine(line.join(' '))}\n`)
}

const fatesOf = (apps: readonly { name: string; fate: Fate }[]): Record<string, Fate> =>
  Object.fromEntries(apps.map(({ name, fate: its }) => [name, its]))

async function apply(session: Session, { file, plan, replace }: Import): Promise<void> {
  const { terminal, json } = session
  const refused = plan.notes.filter(({ kind }) => kind === 'refused')
  const services = [...new Set(refused.map(({ service }) => service))]
  if (services.length > 0)
    throw new Failure(`nothing is imported: ${services.join(', ')} cannot be`, [
      ...refused.map((note) => lineOf(file, note)),
    ])
  const known = await knownTo(session)
  const fateOf = (name: string): Fate => fate(name, known, replace)
  const wanted = plan.apps.filter(({ name }) => fateOf(name) !== 'stays')
  const earlier = new Map(
    wanted.flatMap(({ name }) => {
      const { status: _, ...before } = find(known, name) ?? {}
      return 'name' in before ? [[name, before]] : []
    }),
  )
  await storeAll(session, wanted, earlier)
  if (json) {
    const apps = plan.apps.map(({ name }) => ({ name, fate: fateOf(name) }))
    return terminal.out(`${printJson({ applied: true, ...plan, fates: fatesOf(apps) })}\n`)
  }
  printPlan(terminal, file, plan.apps, plan.notes, fateOf)
  terminal.err(`\n${wanted.length} of ${plan.apps.length} apps are imported.\n`)
}

/** Apps that are stored; what a blueprint makes is not. */
async function knownTo({ api }: Session): Promise<Known> {
  const { apps } = understand(Apps, await api.get('/v1/apps'))
  return apps.filter(({ status }) => status.blueprint === undefined)
}

const find = (known: Known, name: string): Known[number] | undefined =>
  known.find((app) => canonical(app.name) === canonical(name))

function fate(name: string, known: Known, replace: boolean): Fate {
  if (!find(known, name)) return 'new'
  return replace ? 'replaced' : 'stays'
}
