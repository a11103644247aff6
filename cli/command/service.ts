import type { Command } from 'commander'
import { loadSettings } from '../../adapters/settings.ts'
import type { Service, Settings } from '../../model/setting.ts'
import { misuse } from '../failure.ts'
import { addExamples, addSettings, settingsOf } from '../option.ts'
import type { Terminal } from '../terminal.ts'

interface Part {
  service: Service
  description: string
  examples: [string, string][]
  /** loaded only when it is to run: a client command starts faster without */
  load(): Promise<{ run(settings: Settings): Promise<void> }>
}

const PARTS: Part[] = [
  {
    service: 'up',
    description: 'run everything on this machine, until Ctrl-C',
    examples: [
      ['reveille up', 'with its own etcd and nginx, apps at http://localhost:8080/<app>/'],
      ['reveille up --etcd http://10.0.0.1:2379', 'with an etcd that is there'],
      ['reveille up --engine process', 'without Docker: apps as child processes'],
    ],
    load: () => import('../up.ts'),
  },
  {
    service: 'controller',
    description: 'run the controller, beside a proxy: it keeps its routes up to date',
    examples: [
      ['reveille controller --etcd http://10.0.0.1:2379 --networks 10.0.0.0/16', 'with nginx'],
      [
        'reveille controller --template my.conf.njk --output /etc/nginx/nginx.conf',
        'with a template of your own',
      ],
    ],
    load: () => import('../../controller/main.ts'),
  },
  {
    service: 'launcher',
    description: 'run a launcher: it starts apps that are asked for, and has the private API',
    examples: [
      [
        'reveille launcher --etcd http://10.0.0.1:2379 --networks 10.0.0.0/16',
        'any number of them',
      ],
      ['reveille launcher --available http://10.0.0.9/may-run', 'who may run is decided elsewhere'],
    ],
    load: () => import('../../launcher/main.ts'),
  },
  {
    service: 'registrar',
    description: 'run the registrar of this Docker host, or of one process (--app, --endpoint)',
    examples: [
      ['reveille registrar --etcd http://10.0.0.1:2379 --address 10.0.0.5', 'for a Docker host'],
      [
        'reveille registrar --etcd http://10.0.0.1:2379 --app shop --endpoint 10.0.0.5:49150 --probe http:/health --registrar-admin 127.0.0.1:8193',
        'sidekick of a process that is no container',
      ],
    ],
    load: () => import('../../registrar/main.ts'),
  },
  {
    service: 'pool',
    description: 'keep pools: servers that are listed, found by probes, or announce themselves',
    examples: [
      [
        'reveille pool --etcd http://10.0.0.1:2379 --networks 10.0.0.0/16 --pools pools.json',
        'as a file says',
      ],
      [
        'reveille pool --etcd http://10.0.0.1:2379 --networks 10.0.0.0/16 --servers "web=10.0.0.2:80 10.0.0.3:80"',
        'a pool at /web/ of two servers',
      ],
    ],
    load: () => import('../../registrar/pool/main.ts'),
  },
]

/** The commands that are a service: they run in this process until they are told to end. */
export function addServices(program: Command, terminal: Terminal): void {
  for (const { service, description, examples, load } of PARTS) {
    const command = program.command(service).description(description)
    addExamples(addSettings(command, 'Settings:', settingsOf(service)), examples)
    command.action(async (flags: Record<string, unknown>) => {
      const settings = loadSettings(flags, terminal.env)
      if (service !== 'up' && settings.etcd.length === 0)
        throw misuse(
          `the ${service} needs an etcd`,
          `Name it with --etcd or REVEILLE_ETCD: reveille ${service} --etcd http://127.0.0.1:2379`,
          'Or run everything on this machine: reveille up',
        )
      const { run } = await load()
      await run(settings)
    })
  }
}
