import type { Command } from 'commander'
import { createProgram } from '../program.ts'
import type { Terminal } from '../terminal.ts'

const HEAD = `# The reveille command

<!-- Made by \`npm run docs\` from the command itself; edit that. -->

Commands print tables for people, and JSON with \`--json\`. They exit with 0 when it is done, 1 when it failed, 2 when
they were asked wrongly; the error is one line, and what to do is below it. Colours are left out where \`NO_COLOR\` is
set or the output is no terminal. Control characters in names, reasons and logs are printed escaped.
`

/** docs/cli.md: the help of every command, as it prints it. */
export function describeCommands(): string {
  let printed = ''
  const terminal: Terminal = {
    out: (text) => {
      printed += text
    },
    err: () => {},
    color: false,
    live: false,
    width: 100,
    env: {},
    read: async () => '',
    interrupt: () => new AbortController().signal,
  }
  const sections: string[] = []
  const visit = (command: Command, path: string[]): void => {
    const name = [...path, command.name()]
    printed = ''
    command.outputHelp()
    sections.push(
      `${'#'.repeat(Math.min(name.length + 1, 3))} ${name.join(' ')}\n\n\`\`\`\n${printed.trimEnd()}\n\`\`\`\n`,
    )
    for (const child of command.commands) visit(child, name)
  }
  visit(createProgram(terminal), [])
  return [HEAD, ...sections].join('\n')
}
