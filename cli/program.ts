import { Command, CommanderError } from 'commander'
import { SettingsError, unknownVariables } from '../adapters/settings.ts'
import { addAnnounce } from './command/announce.ts'
import { addApp } from './command/app.ts'
import { addBlueprint } from './command/blueprint.ts'
import { addConfig } from './command/config.ts'
import { addCookie } from './command/cookie.ts'
import { addDoctor } from './command/doctor.ts'
import { addEvents } from './command/events.ts'
import { addExplain } from './command/explain.ts'
import { addGateways, addHosts } from './command/fleet.ts'
import { addHost } from './command/host.ts'
import { addImport } from './command/import.ts'
import { addPs } from './command/instance.ts'
import { addLogs } from './command/logs.ts'
import { addServices } from './command/service.ts'
import { addRestart, addSleep } from './command/sleep.ts'
import { addSpawnerUser } from './command/spawner-user.ts'
import { addWake } from './command/wake.ts'
import { escapeText } from './escape.ts'
import { codeOf, Failure } from './failure.ts'
import { addExamples } from './option.ts'
import type { Terminal } from './terminal.ts'
import { version } from './version.ts'

/** The whole command line, with what each command does. Nothing runs until it is parsed. */
export function createProgram(terminal: Terminal): Command {
  const program = new Command('reveille')
    .description('Gives every app a URL and runs it only while somebody uses it.')
    .version(version(), '-V, --version', 'show the version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
      outputError: (text, write) => write(escapeText(text)),
      getOutHelpWidth: () => terminal.width,
      getErrHelpWidth: () => terminal.width,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
  program.helpOption('-h, --help', 'show this')
  // Not refused, as a flag or a line of a file is: somebody else may call variables of theirs so.
  program.hook('preAction', () => {
    for (const name of unknownVariables(terminal.env))
      terminal.err(`warning: there is no setting ${escapeText(name)}: reveille config shows all\n`)
  })
  program.commandsGroup('Services:')
  addServices(program, terminal)
  addAnnounce(program, terminal)
  program.commandsGroup('Apps:')
  addApp(program, terminal)
  addBlueprint(program, terminal)
  addImport(program, terminal)
  addPs(program, terminal)
  addWake(program, terminal)
  addSleep(program, terminal)
  addRestart(program, terminal)
  addLogs(program, terminal)
  addExplain(program, terminal)
  program.commandsGroup('Cluster:')
  addHosts(program, terminal)
  addHost(program, terminal)
  addGateways(program, terminal)
  addEvents(program, terminal)
  program.commandsGroup('This machine:')
  addDoctor(program, terminal)
  addConfig(program, terminal)
  addCookie(program, terminal)
  addSpawnerUser(program, terminal)
  const show = program.command('version').description('show the version')
  addExamples(show, [['reveille version', 'of this command and the services in it']])
  show.action(() => terminal.out(`reveille ${version()}\n`))
  addExamples(program, [
    ['reveille up', 'run everything on this machine'],
    ['reveille app add shop --image shop:1', 'an app at http://localhost:8080/shop/'],
    ['reveille doctor', 'see what is wrong here, and how to mend it'],
  ])
  program.addHelpText(
    'after',
    '\nEvery setting is a flag, or REVEILLE_<NAME> in the environment, or a line of the file of --config.' +
      '\nExit codes: 0 done, 1 failed, 2 asked wrongly.',
  )
  hint(program)
  return program
}

/** Below an error in the arguments, and among the commands: where to read on. */
function hint(command: Command): void {
  const path: string[] = []
  for (let at: Command | null = command; at; at = at.parent) path.unshift(at.name())
  command.showHelpAfterError(`See: ${path.join(' ')} --help`)
  if (command.commands.length > 0)
    command.helpCommand('help [command]', 'show the help of a command')
  for (const child of command.commands) hint(child)
}

/** Runs the command line. Returns the exit code; every error has been told by then. */
export async function execute(argv: string[], terminal: Terminal): Promise<number> {
  try {
    await createProgram(terminal).parseAsync(argv, { from: 'user' })
    return 0
  } catch (error) {
    return tell(error, terminal)
  }
}

function tell(error: unknown, terminal: Terminal): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  const failure = asFailure(error)
  const [first = '', ...more] = failure.message.split('\n')
  terminal.err(`error: ${escapeText(first)}\n`)
  for (const hint of [...more, ...failure.hints])
    if (hint !== '') terminal.err(`  ${escapeText(hint)}\n`)
  return failure.exitCode
}

function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  if (error instanceof SettingsError) {
    const [first = '', ...rest] = error.message.split('\n')
    return new Failure(first, [...rest, 'See all settings in force: reveille config'], 2)
  }
  const message = error instanceof Error ? error.message : String(error)
  const hints = ['EADDRINUSE', 'EACCES', 'ENOENT'].includes(codeOf(error))
    ? ['See what is wrong here, and how to mend it: reveille doctor']
    : []
  return new Failure(message, hints)
}
