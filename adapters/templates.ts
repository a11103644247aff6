import { existsSync, readFileSync } from 'node:fs'

/** templates/ lies beside adapters/ in the source, and beside dist/ in the build. */
const PLACES = ['../templates/', '../../templates/']

/** The source of a built-in template, by its path in templates/. Throws if there is none. */
export function readTemplate(path: string): string {
  const url = PLACES.map((place) => new URL(place + path, import.meta.url)).find(existsSync)
  if (!url) throw new Error(`the template ${path} is missing`)
  return readFileSync(url, 'utf8')
}

/** The pages clients get while their app is not there. */
export function readPages(): { waiting: string; problem: string } {
  return {
    waiting: readTemplate('pages/waiting.html.njk'),
    problem: readTemplate('pages/problem.html.njk'),
  }
}
