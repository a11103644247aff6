import type { Command } from 'commander'
import { cookieOf, readCookieKey } from '../../adapters/cookie.ts'
import { loadSettings } from '../../adapters/settings.ts'
import { canonical } from '../../model/name.ts'
import { misuse } from '../failure.ts'
import { addExamples, addSettings } from '../option.ts'
import { nameOf } from '../session.ts'
import type { Terminal } from '../terminal.ts'

/** `reveille cookie <name>`: what a cookie says that leads to an app, where cookies are signed. */
export function addCookie(program: Command, terminal: Terminal): void {
  const cookie = program
    .command('cookie')
    .description('print the value of a signed cookie that leads to an app')
    .argument('<name>', 'the app')
  addExamples(addSettings(cookie, 'Settings:', ['cookieKeyFile']), [
    ['reveille cookie minion-1 --cookie-key-file key', 'minion-1.<signature>'],
    [
      'curl -b "instance=$(reveille cookie minion-1 --cookie-key-file key)" localhost:8080/',
      'a request to it',
    ],
  ])
  cookie.action((name: string, flags: Record<string, unknown>) => {
    const app = canonical(nameOf('app', name))
    const settings = loadSettings(flags, terminal.env)
    const key = readCookieKey(settings.cookieKeyFile)
    if (key === null)
      throw misuse(
        'give the key that gateways and launchers have: --cookie-key-file',
        'Make one: openssl rand -hex 32 >key; chmod 600 key',
      )
    terminal.out(`${cookieOf(key, app)}\n`)
  })
}
