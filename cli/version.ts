import { readFileSync } from 'node:fs'

/** The version in package.json, which is one folder up from the sources and two from what is built of them. */
export function version(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const text = readFileSync(new URL(path, import.meta.url), 'utf8')
      const found: { name?: string; version?: string } = JSON.parse(text)
      if (found.name === 'reveille' && found.version) return found.version
    } catch {
      // not there: the other one is
    }
  }
  return 'unknown'
}
