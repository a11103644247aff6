/** One table as iptables-save prints it. */
interface Table {
  /** built-in and own chains; the policy, or `-` */
  chains: Map<string, string>
  rules: string[]
}

function parse(text: string): Map<string, Table> {
  const tables = new Map<string, Table>()
  let table: Table | undefined
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) {
      table = { chains: new Map(), rules: [] }
      tables.set(line.slice(1), table)
    }
    const [, chain, policy] = /^:(\S+) (\S+)/.exec(line) ?? []
    if (chain && policy) table?.chains.set(chain, policy)
    if (line.startsWith('-A ')) table?.rules.push(line)
  }
  return tables
}

/** What an engine writes: its chains, and rules about its bridges. Rules of others stay, whenever they came. */
const OF_ENGINE = /\bDOCKER|\bdocker0\b|\bbr-[0-9a-f]{12}\b/

/**
 * What to feed `iptables-restore --noflush` so that an engine's rules are gone which were not there before.
 * @param before what iptables-save printed before the engine was started
 * @param after what it prints now
 * @returns '' if there is nothing to undo
 */
export function undoRules(before: string, after: string): string {
  const old = parse(before)
  const lines: string[] = []
  for (const [name, table] of parse(after)) {
    const had = old.get(name) ?? { chains: new Map<string, string>(), rules: [] }
    const chains = [...table.chains.keys()].filter(
      (chain) => OF_ENGINE.test(chain) && !had.chains.has(chain),
    )
    const rules = table.rules.filter((rule) => OF_ENGINE.test(rule) && !had.rules.includes(rule))
    // the engine sets the policy of FORWARD to DROP; a table that was not there had ACCEPT
    const closed =
      table.chains.get('FORWARD') === 'DROP' && (had.chains.get('FORWARD') ?? 'ACCEPT') === 'ACCEPT'
    if (chains.length === 0 && rules.length === 0 && !closed) continue
    lines.push(
      `*${name}`,
      ...(closed ? [':FORWARD ACCEPT [0:0]'] : []),
      ...rules.map((rule) => rule.replace(/^-A/, '-D')),
      ...chains.map((chain) => `-F ${chain}`),
      ...chains.map((chain) => `-X ${chain}`),
      'COMMIT',
    )
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`
}
