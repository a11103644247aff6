import { escapeLine, printJson } from '../escape.ts'
import { waitInSight } from '../progress.ts'
import { Removed } from '../reply.ts'
import { pathOf, withSession } from '../session.ts'
import type { Terminal } from '../terminal.ts'
import { inTurn } from '../turn.ts'

/** `rm`: removes apps or blueprints by name, one after the other, and stops at the first that fails. */
export async function forget(
  terminal: Terminal,
  kind: 'app' | 'blueprint',
  names: string[],
  flags: Record<string, unknown>,
): Promise<void> {
  await withSession(terminal, flags, async ({ api, json }) => {
    const asked = ['force', 'volumes'].filter((flag) => flags[flag] === true)
    const query = asked.length > 0 ? `?${asked.map((flag) => `${flag}=1`).join('&')}` : ''
    const records = names.map((name) => ({ name, path: `${pathOf(kind, name)}${query}` }))
    const results: object[] = []
    try {
      await inTurn(records, async ({ name, path }) => {
        const work = api.send('DELETE', path, { patient: true })
        const removal = Removed.safeParse(
          await waitInSight(terminal, `${name}: its instances are stopped`, work),
        )
        results.push({ name, removed: true, ...(removal.success && removal.data) })
        if (json) return
        terminal.out(`${name} is removed\n`)
        for (const host of removal.success ? removal.data.unreachable : [])
          terminal.err(
            `${escapeLine(host)} did not answer: what is there of it, if anything, is left\n`,
          )
      })
    } finally {
      if (json) terminal.out(`${printJson(results)}\n`)
    }
  })
}
