import { readFileSync } from 'node:fs'

/** Where hostile text enters. */
export type Where =
  | 'app.name'
  | 'api.header'
  | 'create.api'
  | 'etcd.key'
  | 'etcd.value'
  | 'container.label'
  | 'container.env'
  | 'image.ref'
  | 'request.path'
  | 'request.header'
  | 'request.raw'
  | 'response.header'
  | 'cookie'
  | 'hook.response'
  | 'log.field'

export interface Hostile {
  where: Where
  value: string
  why: string
  expect: string
}

const FILE = new URL('./corpus.json', import.meta.url)

/** The hostile values for one entrance, with `@repeat:<character>:<count>` written out. */
export function hostile(where: Where): Hostile[] {
  const all = JSON.parse(readFileSync(FILE, 'utf8')) as Hostile[]
  return all.filter((entry) => entry.where === where).map(expanded)
}

function expanded(entry: Hostile): Hostile {
  const value = entry.value.replace(
    /@repeat:(.):([0-9]+)/g,
    (_, character: string, count: string) => character.repeat(Number(count)),
  )
  return { ...entry, value }
}
