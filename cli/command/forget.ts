import { escapeLine, printJson } from '../escape.ts'
import { Removed } from '../reply.ts'
import { pathOf, withSession } from '../session.ts'
import type { Terminal } from '../terminal.ts'

/** Seconds a removal may take: it drains and stops what runs. */
const PATIENCE = 3600

/** `rm`: removes apps or blueprints by name, one after the other, and stops at the first that fails. */
export async function forget(
  terminal: Terminal,
  kind: 'app' | 'blueprint',
  names: string[],
  flags: Record<string, unknown>,
): Promise<void> {
  await withSession(terminal, flags, async ({ api, json }) => {
    const paths = names.map((name) => [name, pathOf(kind, name)] as const)
    const results: object[] = []
    for (const [name, path] of paths) {
      const removal = Removed.safeParse(await api.send('DELETE', path, { deadline: PATIENCE }))
      results.push({ name, removed: true, ...(removal.success && removal.data) })
      if (json) continue
      terminal.out(`${name} is removed\n`)
      for (const host of removal.success ? removal.data.unreachable : [])
        terminal.err(`${escapeLine(host)} did not answer: containers there, if any, are left\n`)
    }
    if (json) terminal.out(`${printJson(results)}\n`)
  })
}
