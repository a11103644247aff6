import { type Command, InvalidArgumentError } from 'commander'
import { escapeText, printJson } from '../escape.ts'
import { addExamples } from '../option.ts'
import { addConnection, pathOf, withSession } from '../session.ts'
import type { Terminal } from '../terminal.ts'

function whole(largest: number): (text: string) => number {
  return (text) => {
    if (/^[0-9]{1,5}$/.test(text) && Number(text) <= largest) return Number(text)
    throw new InvalidArgumentError(`It must be a number from 0 to ${largest}.`)
  }
}

/** `reveille logs <name>` */
export function addLogs(program: Command, terminal: Terminal): void {
  const logs = program.command('logs').description('show what an app prints')
  logs.argument('<name>', 'the app')
  logs
    .option('-f, --follow', 'go on until Ctrl-C')
    .option('-n, --tail <n>', 'how many of the last lines ', whole(10_000), 100)
    .option('--slot <n>', 'of this instance (default: the lowest)', whole(99))
    .option('--raw', 'control characters as they are: for files, not for terminals')
  addExamples(addConnection(logs), [
    ['reveille logs shop -n 20', 'the last 20 lines'],
    ['reveille logs shop -f', 'and those to come'],
  ])
  type Flags = Record<string, unknown> & {
    tail: number
    slot?: number
    follow?: boolean
    raw?: boolean
  }
  logs.action((name: string, flags: Flags) =>
    withSession(terminal, flags, async ({ api, json }) => {
      const slot = flags.slot === undefined ? '' : `&slot=${flags.slot}`
      const query = `tail=${flags.tail}${flags.follow ? '&follow=1' : ''}${slot}`
      for await (const line of api.lines(`${pathOf('app', name)}/logs?${query}`)) {
        if (json) terminal.out(`${printJson({ app: name, line }, 0)}\n`)
        else terminal.out(`${flags.raw ? line : escapeText(line)}\n`)
      }
    }),
  )
}
