import { Host } from './host.ts'
import { Member } from './member.ts'
import type { Program } from './program.ts'
import type { RunningFleet } from './running-fleet.ts'

/** Something a person may do to the fleet from another terminal. */
interface Command {
  /** how it is written: the name, then its words; those in brackets may be left out */
  usage: string
  help: string
  /** Returns what to print. Throws what is wrong with the words. */
  run(fleet: RunningFleet, ...words: string[]): Promise<string | void> | string
}

function programOf(fleet: RunningFleet, name = '', machine = ''): Program {
  const { processes } = fleet.machine(machine)
  const program = processes.get(name)
  if (program) return program
  throw new Error(`${machine} has no ${name}, it has ${[...processes.keys()].join(', ')}`)
}

const onProgram = (verb: 'kill' | 'end' | 'pause' | 'resume' | 'start', help: string): Command => ({
  usage: `${verb} <program> <machine>`,
  help,
  run: (fleet, name, machine) => programOf(fleet, name, machine)[verb](),
})

function hostOf(fleet: RunningFleet, name: string): Host {
  const machine = fleet.machine(name)
  if (machine instanceof Host) return machine
  throw new Error(`${name} is no Docker host`)
}

const COMMANDS: Command[] = [
  { usage: 'status', help: 'every machine and what runs on it', run: statusOf },
  onProgram('kill', 'SIGKILL'),
  onProgram('end', 'SIGTERM'),
  onProgram('pause', 'SIGSTOP: it keeps its connections and answers nothing'),
  onProgram('resume', 'SIGCONT'),
  onProgram('start', 'again, with the same arguments'),
  {
    usage: 'log <program> <machine>',
    help: 'what it wrote',
    run: (fleet, name, machine) => programOf(fleet, name, machine).log(),
  },
  {
    usage: 'crash <machine>',
    help: 'power cut: the network first, then everything at once',
    run: (fleet, name = '') => fleet.machine(name).crash(),
  },
  {
    usage: 'reboot <machine>',
    help: 'the same disk, a new boot',
    run: (fleet, name = '') => fleet.machine(name).reboot(),
  },
  {
    usage: 'partition <machine> [<other>]',
    help: 'drop every packet between the two, or between it and all; cl is this machine',
    run: (fleet, one = '', other) => fleet.partition(one, other),
  },
  {
    usage: 'lose <machine> <percent>',
    help: 'drop some of its packets, at random',
    run: (fleet, one = '', percent = '') => {
      const share = /^[0-9]{1,2}$/.test(percent) ? Number(percent) : 0
      if (share === 0) throw new Error('how many percent, 1 to 99?')
      return fleet.lose(one, share / 100)
    },
  },
  {
    usage: 'heal [<machine>]',
    help: 'end partitions and losses, of one machine or all',
    run: (fleet, one) => fleet.heal(one),
  },
  {
    usage: 'fill <host>',
    help: "take all space of the engine's disk (start the lab with --disk)",
    run: (fleet, name = '') => hostOf(fleet, name).fillDisk(),
  },
  {
    usage: 'free <host>',
    help: 'give it back',
    run: (fleet, name = '') => hostOf(fleet, name).freeDisk(),
  },
  {
    usage: 'wipe <member>',
    help: 'remove the data of an etcd that does not run',
    run: async (fleet, name = '') => {
      const machine = fleet.machine(name)
      if (!(machine instanceof Member)) throw new Error(`${name} has no etcd`)
      await machine.wipe()
    },
  },
  {
    usage: 'exec <machine> <command> ...',
    help: 'run a command in its network',
    run: (fleet, name = '', file = '', ...args) => fleet.machine(name).exec(file, ...args),
  },
]

/** All of them with what they do, one per line. */
export function commandHelp(): string {
  const width = Math.max(...COMMANDS.map(({ usage }) => usage.length))
  return COMMANDS.map(({ usage, help }) => `  ${usage.padEnd(width)}  ${help}\n`).join('')
}

/** Does what the words say. Throws what is wrong with them, or what failed. */
export async function obey(fleet: RunningFleet, words: string[]): Promise<string> {
  const [verb, ...rest] = words
  const command = COMMANDS.find(({ usage }) => usage.split(' ')[0] === verb)
  if (!command) throw new Error(`there is no command ${verb}; npm run lab -- --help lists them`)
  const needed = command.usage.split(' ').filter((word) => word.startsWith('<')).length
  const isOpen = command.usage.endsWith('...')
  const most = isOpen ? Number.POSITIVE_INFINITY : command.usage.split(' ').length - 1
  if (rest.length < needed || rest.length > most) throw new Error(`say: ${command.usage}`)
  return (await command.run(fleet, ...rest)) ?? ''
}

function statusOf(fleet: RunningFleet): string {
  return fleet.machines
    .map((machine) => {
      const programs = [...machine.processes.values()].map(
        (program) => `${program.name} ${program.isRunning ? program.pid : '(ended)'}`,
      )
      const line = [machine.name.padEnd(4), machine.address.padEnd(13), programs.join('  ')]
      return `${line.join(' ')}${machine.trouble === '' ? '' : `  ${machine.trouble}`}\n`
    })
    .join('')
}
