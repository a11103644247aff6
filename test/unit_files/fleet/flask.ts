import type { Expectation } from './follow.ts'

const value = (app: string): RegExp =>
  new RegExp(`^/services/clusters/${app}\n(10\\.93\\.0\\.1[1-4]):\\d+$`, 'm')

/** What docs/from/coreos-flask.md promises. */
export const FLASK: Expectation[] = [
  { command: 'launcher-discovery@1' },
  { command: 'launcher-discovery@2' },
  {
    command: 'http://10.93.0.12/C/name',
    says: (output) => ['A', 'B', 'C'].every((name) => output.includes(`This is ${name}.`)),
  },
  { command: 'blueprint add letters', says: (output) => output.endsWith('/D/name\nD\n') },
  { command: 'http://10.93.0.12/other/', says: (output) => output === '404\n'.repeat(4) },
  {
    command: 'etcdctl get /services/clusters/A',
    says: (output) =>
      new Set(['A', 'B', 'C'].map((app) => value(app).exec(output)?.[1])).size >= 2 &&
      ['one-1', 'two-2'].every((launcher) => output.includes(`/services/launchers/${launcher}\n`)),
  },
  { command: 'app@kept', says: (output) => output.endsWith('kept\nactive\nactive\n') },
]

/** The image is built on Debian's, which comes from Docker's hub; where that cannot be reached it is made of the machine's own files. */
export function withoutHub(commands: string): string {
  return commands.replace(
    /^docker build -t (\S+) (\S+)$/m,
    'apt-get install -y --no-install-recommends python3-flask python3-waitress\nbash $2/image.sh unix:///var/run/docker.sock $1',
  )
}
