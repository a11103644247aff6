import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { DEMO_APPS, DEMO_BLUEPRINTS } from '../../../cli/embedded/demo.ts'
import { DEMO_IMAGE } from '../../../model/image.ts'
import { command } from '../command.ts'
import { openRun } from '../open-run.ts'
import type { Run } from '../run.ts'
import { commandHelp, obey } from './command.ts'
import { listenForCommands } from './control.ts'
import type { FleetOptions } from './fleet.ts'
import type { RunningFleet } from './running-fleet.ts'
import { startFleet } from './start-fleet.ts'
import { summaryOf, variablesOf } from './summary.ts'

export const HELP = `A whole fleet on this machine, to play with: Docker hosts, etcd members, gateways and launchers, each a machine
of its own on a network of its own. Needs root. Ctrl-C takes it down, nothing is left.

  npm run lab [-- <option> ...]

  --hosts 3  --members 3  --gateways 2  --launchers 2  --clients 0
  --secure         etcd with TLS client certificates, users and passwords
  --lease-ttl 10   seconds
  --disk 2000      MiB of disk for each engine; the machine's own unless given
  --engines tls    or unix: how launchers reach the engines

From another terminal:

  npm run lab -- [--run <number>] <command>

${commandHelp()}
The number tells labs apart where several run: 10.94.<number>.0/24.
`

const DEMO_SCRIPT = join(import.meta.dirname, '../../../cli/setup/demo-image.sh')

function optionsOf(args: string[]): FleetOptions {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args,
    options: {
      ...{ hosts: text, members: text, gateways: text, launchers: text, clients: text },
      ...{ secure: { type: 'boolean' }, 'lease-ttl': text, disk: text, engines: text },
    },
  })
  const count = (name: string, value: string | boolean | undefined): number | undefined => {
    if (value === undefined) return undefined
    if (!/^[0-9]{1,6}$/.test(String(value))) throw new Error(`--${name} must be a number`)
    return Number(value)
  }
  const { engines } = values
  if (engines !== undefined && engines !== 'tls' && engines !== 'unix')
    throw new Error('--engines must be tls or unix')
  const given = {
    ...{ hosts: count('hosts', values.hosts), members: count('members', values.members) },
    gateways: count('gateways', values.gateways),
    launchers: count('launchers', values.launchers),
    clients: count('clients', values.clients),
    leaseTtl: count('lease-ttl', values['lease-ttl']),
    ...{ disk: count('disk', values.disk), secure: values.secure, engines },
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

async function demoImage(engine: string): Promise<string[]> {
  await command('bash', DEMO_SCRIPT, engine)
  return [DEMO_IMAGE]
}

async function addDemo(fleet: RunningFleet): Promise<void> {
  for (const app of DEMO_APPS) await fleet.add(app)
  for (const blueprint of DEMO_BLUEPRINTS) {
    const answer = await fleet.launchers[0]?.api('POST', '/v1/blueprints', blueprint)
    if (answer?.status !== 201) throw new Error(`adding ${blueprint.name}: ${answer?.text}`)
  }
}

/** Resolves at the first Ctrl-C or SIGTERM. */
function untilTold(): Promise<void> {
  return new Promise((resolve) => {
    // npm passes on what the terminal has sent already: later ones say nothing new
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => resolve())
  })
}

async function playIn(run: Run, options: FleetOptions): Promise<void> {
  const told = untilTold()
  process.stdout.write('Starting the fleet.\n')
  const fleet = await startFleet({ ...options, images: demoImage })
  try {
    await addDemo(fleet)
    const variables = join(run.folder, 'variables.sh')
    await writeFile(variables, variablesOf(fleet), { mode: 0o600 })
    const close = await listenForCommands(run, (words) => obey(fleet, words))
    process.stdout.write(summaryOf(fleet, variables))
    await told
    process.stdout.write('Taking it down.\n')
    close()
  } finally {
    await fleet.stop()
  }
}

/** Has a fleet until Ctrl-C. Throws what is wrong with the arguments, or why it does not come up. */
export async function play(args: string[]): Promise<void> {
  const options = optionsOf(args)
  const { run, close } = await openRun()
  try {
    await playIn(run, options)
  } finally {
    await close()
  }
}
