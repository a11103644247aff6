import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { command } from '../../lab/command.ts'
import { bootInCloud } from './cloud.ts'
import { FLASK, withoutHub } from './flask.ts'
import { type Expectation, type Fleet, follow } from './follow.ts'
import { multiply } from './instance.ts'
import { type Machine, makeKey, makeMachine } from './machine.ts'
import { APPS, suffer } from './outage.ts'
import { makeRoot } from './root.ts'
import { makeYard, type Yard } from './yard.ts'

// `npm run fleet-page`: follows docs/fleet.md, docs/hosts.md and docs/from/coreos-flask.md on machines with a systemd of their own,
// and pulls their plugs. As root; takes some minutes, and the network for the packages.

const TOP = join(import.meta.dirname, '../../..')
/** `--keep`: leave the machines running, to look at; the next run removes them. */
const KEEP = process.argv.includes('--keep')
/** `--flask`: only what docs/from/coreos-flask.md needs, which is docs/fleet.md, and that page. */
const FLASK_ALONE = process.argv.includes('--flask')
/** The machines of the pages. */
const ADDRESSES = { one: '10.93.0.11', two: '10.93.0.12', three: '10.93.0.13' }
/** The bare root in it is kept for the next run, everything else goes. */
const FOLDER = '/var/tmp/reveille-fleet'

const hosts = (output: string): Set<string | undefined> =>
  new Set([...output.matchAll(/^(10\.93\.0\.\d+):\d+$/gm)].map((match) => match[1]))

const FLEET: Expectation[] = [
  {
    command: 'etcdctl endpoint status --cluster',
    says: (output) => output.match(/^\| https:/gm)?.length === 3,
  },
  {
    command: 'reveille doctor',
    says: (output) =>
      ['one', 'two', 'three'].every((name) => new RegExp(`^${name} `, 'm').test(output)),
  },
  {
    command: 'http://10.93.0.12/{A,B}/name',
    says: (output) => APPS.every((name) => output.includes(`"name":"${name}"`)),
  },
  {
    command: 'etcdctl get --prefix /services/clusters',
    says: (output) => hosts(output).size >= 2,
  },
]

/** The host that the page adds, and its user-data once it is made. */
const FOUR = {
  name: 'four',
  address: '10.93.0.14',
  userData: join(FOLDER, 'one/root/four.user-data'),
}

function hostsPage(root: string, key: string, one: Machine): Expectation[] {
  const { name, address, userData } = FOUR
  return [
    {
      command: '> four.user-data',
      after: async () => {
        await bootInCloud(FOLDER, root, key, name, address, userData)
      },
    },
    {
      command: 'snapshot status',
      says: (output) => /^\| +[0-9a-f]+ \|/m.test(output),
      after: async () => {
        await one.type('reveille app add later --image localhost/reveille/demo:1')
      },
    },
    {
      command: '--keys-only /services/apps/',
      says: (output) =>
        APPS.every((app) => output.includes(`/services/apps/${app}\n`)) &&
        !output.includes('later'),
    },
  ]
}

async function main(): Promise<void> {
  await mkdir(FOLDER, { recursive: true })
  const root = join(FOLDER, 'bare')
  await makeRoot(root)
  const yard = await makeYard()
  try {
    const key = await makeKey(FOLDER)
    const made = await Promise.all(
      Object.entries(ADDRESSES).map(async ([name, address]) => {
        const machine = await makeMachine(FOLDER, root, key, name, address)
        await machine.start()
        return [name, machine] as const
      }),
    )
    const fleet = Object.fromEntries(made) as Fleet
    const source = join(FOLDER, 'one/opt/reveille')
    await mkdir(source, { recursive: true })
    const left = ['node_modules', 'dist', '.git'].map((name) => `--exclude=./${name}`)
    const archive = join(FOLDER, 'source.tar')
    await command('tar', '-C', TOP, ...left, '-cf', archive, '.')
    await command('tar', '-C', source, '--no-same-owner', '-xf', archive)
    await follow('fleet.md', fleet, FLEET)
    if (!FLASK_ALONE) {
      await suffer(fleet)
      await multiply(fleet.one)
      await follow('hosts.md', fleet, hostsPage(root, key, fleet.one))
      await suffer(fleet)
    }
    await follow('from/coreos-flask.md', fleet, FLASK, withoutHub)
  } finally {
    if (!KEEP) await clean(yard)
  }
}

async function clean(yard: Yard): Promise<void> {
  await yard.clear()
  for (const name of [...Object.keys(ADDRESSES), FOUR.name, 'key', 'key.pub', 'source.tar'])
    await rm(join(FOLDER, name), { recursive: true, force: true })
}

await main()
process.exit(0)
