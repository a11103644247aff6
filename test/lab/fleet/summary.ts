import type { LabFleet } from './fleet.ts'

const APP = 'A'

/** Lines for a shell: after them `etcdctl` and `reveille` speak to this fleet. */
export function variablesOf(fleet: LabFleet): string {
  const variables = {
    ...fleet.etcdctl,
    REVEILLE_API: fleet.launchers[0]?.origin ?? '',
    REVEILLE_TOKEN: fleet.token,
    REVEILLE_GATEWAY: fleet.gateways[0]?.origin ?? '',
  }
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}='${value}'\n`)
    .join('')
}

/** What a person needs to know of a fleet that is up. `variables`: the file of {@link variablesOf}. */
export function summaryOf(fleet: LabFleet, variables: string): string {
  const machines = fleet.machines.map(({ name, address, processes }) => {
    const programs = [...processes.keys()].join(', ')
    return `  ${name.padEnd(4)} ${address.padEnd(13)} ${programs}`
  })
  const urls = fleet.gateways.map(({ origin }) => `  curl ${origin}/${APP}/`)
  const [host] = fleet.hosts
  return `
The fleet is up.

${machines.join('\n')}

Apps A, B and C; D to Z and demo-<name> are made by blueprints. Both gateways lead to all of them:
${urls.join('\n')}

In another terminal:
  . ${variables}
  etcdctl get --prefix /services/clusters
  npx reveille ps
  npx reveille hosts
  docker -H ${host?.socket ?? ''} ps -a

  npm run lab -- status
  npm run lab -- crash h1
  npm run lab -- --help

Ctrl-C takes it down.
`
}
