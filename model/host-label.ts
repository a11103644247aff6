/**
 * Labels of a host, as its operator gives them and constraints of apps ask for them. Names and values hold nothing a
 * shell, a URL or a table could read as syntax.
 */
const LABEL =
  /^(?<name>[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?)=(?<value>[A-Za-z0-9](?:[A-Za-z0-9._:/-]{0,126}[A-Za-z0-9])?)$/

/** Reads `name=value`; null if it is not one. `host` is taken: constraints mean the host's own name by it. */
export function parseHostLabel(text: string): [name: string, value: string] | null {
  const { name, value } = LABEL.exec(text)?.groups ?? {}
  return name === undefined || value === undefined || name === 'host' ? null : [name, value]
}

/** The labels out of such texts; what is none is left out. */
export function readHostLabels(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(texts.map(parseHostLabel).filter((label) => label !== null))
}
