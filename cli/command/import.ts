import type { Command } from 'commander'
import type { Flags } from '../import/run.ts'
import { addExamples } from '../option.ts'
import { addConnection, withSession } from '../session.ts'
import type { Terminal } from '../terminal.ts'

/** `reveille import` */
export function addImport(program: Command, terminal: Terminal): void {
  const command = program
    .command('import')
    .description('make apps of a compose file; shows them, and what it cannot carry over')
    .argument('[file]', 'with labels of Sablier or variables of nginx-proxy, if any; - is stdin')
    .argument('[service...]', 'those to import (default: all)')
    .option('--docker <url>', 'not a file but the running containers of an engine, unix:///path')
    .option('--apply', 'add them: all, or none where one is refused')
    .option('--replace', 'also where there is an app of that name, which stays as it is otherwise')
  addExamples(addConnection(command), [
    ['reveille import compose.yml', 'what it would add, and what it cannot carry over'],
    ['reveille import compose.yml --apply', 'add it'],
    ['docker compose config | reveille import - --apply', 'with its variables and other files'],
    ['reveille import --docker unix:///var/run/docker.sock', 'of what runs there, by name'],
    ['reveille import compose.yml --json | jq .apps > apps.json', 'for reveille app add --file'],
  ])
  // Loaded only when it is to run, as it brings a client of engines, which `up` would carry along.
  command.action((path: string | undefined, services: string[], flags: Flags) =>
    withSession(terminal, flags, async (session) => {
      const { run } = await import('../import/run.ts')
      await run(session, path, services, flags)
    }),
  )
}
