import { send } from './control.ts'

// `npm run lab`: a fleet on this machine for a person, until Ctrl-C; with words, a command to the one that runs.

async function main(args: string[]): Promise<void> {
  const [number, words] = args[0] === '--run' ? [args[1], args.slice(2)] : [undefined, args]
  if (number !== undefined || (words[0] !== undefined && !words[0].startsWith('-'))) {
    const reply = await send(words, number)
    if (!reply.ok) throw new Error(reply.text)
    process.stdout.write(reply.text)
    return
  }
  // only then: a command is quicker without
  const { HELP, play } = await import('./play.ts')
  if (args[0] === '--help' || args[0] === '-h') process.stdout.write(HELP)
  else await play(args)
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
})
