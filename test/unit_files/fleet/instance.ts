import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { askUntil } from '../../system/client.ts'
import type { Machine } from './machine.ts'

const README = join(import.meta.dirname, '../../../unit_files/README.md')

/** A process that no engine runs, and the settings of the sidekick that keeps it registered. */
const SIDEKICK = (address: string): string => `
install -d /srv/page && echo a page > /srv/page/index.html
busybox httpd -p ${address}:8500 -h /srv/page
printf '%s\\n' REVEILLE_APP=page REVEILLE_ENDPOINT=${address}:8500 REVEILLE_REGISTRAR_ADMIN=127.0.0.1:8193 \\
  > /etc/reveille/registrar@page.env
systemctl enable --now reveille-registrar@page
`

/** Several of a kind on one machine: a second gateway, as unit_files/README.md has it, and a sidekick. */
export async function multiply(machine: Machine): Promise<void> {
  const { address, name } = machine
  const block = /```\n( +printf[^]*?@2\n)/.exec(readFileSync(README, 'utf8'))?.[1]
  if (block === undefined) throw new Error('unit_files/README.md has no second gateway')
  await machine.type(block)
  await machine.type(SIDEKICK(address))
  for (const [port, path, text] of [
    [81, '/A/name', '"A"'],
    [80, '/page/', 'a page'],
    [81, '/page/', 'a page'],
  ] as const) {
    const good = ({ status, text: said }: { status: number; text: string }): boolean =>
      status === 200 && said.includes(text)
    const last = await askUntil(`http://${address}:${port}`, path, good, 60)
    if (last === null || !good(last))
      throw new Error(`${path} at ${address}:${port}: ${last?.status} ${last?.text}`)
  }
  const gateways = await machine.type('reveille gateways')
  if (!gateways.includes(`${name}-2 `)) throw new Error(`no second gateway:\n${gateways}`)
  console.log(`a second gateway and a sidekick on ${name}: answer`)
}
