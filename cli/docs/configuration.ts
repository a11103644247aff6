import { SERVICES } from '../../model/setting/kind.ts'
import {
  flagOf,
  SETTINGS,
  type Service,
  type SettingName,
  variableOf,
} from '../../model/setting.ts'
import { defaultOf, settingsOf } from '../option.ts'

const PARTS: [service: Service, title: string][] = [
  ['controller', '`reveille controller`'],
  ['launcher', '`reveille launcher`'],
  ['registrar', '`reveille registrar`'],
  ['pool', '`reveille pool`'],
  ['up', '`reveille up` alone'],
  ['cli', 'Commands that talk to a running cluster'],
]

const HEAD = `# Configuration

<!-- Made by \`npm run docs\` from model/setting.ts; edit that. -->

Each setting is given as a flag, in the environment, or in a JSON file that \`--config\` or \`REVEILLE_CONFIG\` names;
a flag is stronger than the environment, the environment is stronger than the file. A flag or a line that is no setting
is refused, a variable named like one is warned of. In the file its name is the one in
the first column:

\`\`\`json
{ "etcd": ["http://10.0.0.1:2379"], "networks": ["10.0.0.0/16"], "holdTimeout": "90s" }
\`\`\`

Times are like \`30s\`, \`5m\`, \`1h\`. Lists are separated by commas, in the file they may be arrays.
\`reveille config\` prints what is in force. \`reveille up\` takes the settings marked ↑ and hands them on.

A setting stands once, under the first service that takes it; \`also\` names the others. Give all of them the same value: only
\`id\`, \`logLevel\`, and where files and folders are, is each one's own.
`

/** docs/configuration.md: every setting once, under the first service that has it; those of all services first. */
export function describeSettings(): string {
  const shared = settingsOf('up').filter((name) =>
    SERVICES.every((service) => settingsOf(service).includes(name)),
  )
  const done = new Set(shared)
  const sections = [section('Every service', shared, SERVICES)]
  for (const [service, title] of PARTS) {
    const names = settingsOf(service).filter((name) => !done.has(name))
    for (const name of names) done.add(name)
    sections.push(section(title, names, [service]))
  }
  return `${[HEAD, ...sections].join('\n')}`
}

/** @param own services that the title names */
function section(title: string, names: SettingName[], own: Service[]): string {
  const rows = names.map((name) => {
    const { help, services, value } = SETTINGS[name]
    // `up` has its mark.
    const also = (services as Service[]).filter(
      (service) => service !== 'up' && !own.includes(service),
    )
    const flag = `--${flagOf(name)}${value === '' ? '' : ` <${value}>`}`
    const fallback = defaultOf(name)
    const cells = [
      `\`${name}\`${(services as Service[]).includes('up') ? ' ↑' : ''}`,
      `\`${flag}\``,
      `\`${variableOf(name)}\``,
      fallback === '' ? '' : `\`${fallback}\``,
      also.map((service) => (service === 'cli' ? 'commands' : service)).join(', '),
      help.replaceAll('<', '\\<'),
    ]
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  })
  const head =
    '| setting | flag | environment | default | also | meaning |\n|---|---|---|---|---|---|'
  return `## ${title}\n\n${head}\n${rows.join('\n')}\n`
}
