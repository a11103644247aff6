/**
 * What becomes of something in the file: it is left out, it is there but not the same, or with it the service cannot be
 * an app at all.
 */
export type Kind = 'left' | 'changed' | 'refused'

/** Something an importer has to tell, line by line. */
export interface Note {
  kind: Kind
  /** of the file; null where there is no file */
  line: number | null
  service: string
  /** as in `ports[1]` or `environment.MODE` */
  key: string
  why: string
  /** what to do instead; '' where nothing need be done */
  instead: string
}

/** Keys and positions, from a service's own down. */
export type Path = readonly (string | number)[]

/** Writes a path the way people do. */
export function formatPath(path: Path): string {
  return path
    .map((part, index) =>
      typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`,
    )
    .join('')
}

/** Takes notes about one service. */
export class Notebook {
  readonly service: string
  readonly notes: Note[]
  readonly #lineOf: (path: Path) => number | null

  constructor(service: string, notes: Note[], lineOf: (path: Path) => number | null) {
    this.service = service
    this.notes = notes
    this.#lineOf = lineOf
  }

  left(path: Path, why: string, instead: string): void {
    this.#note('left', path, why, instead)
  }

  changed(path: Path, why: string, instead: string): void {
    this.#note('changed', path, why, instead)
  }

  refused(path: Path, why: string, instead: string): void {
    this.#note('refused', path, why, instead)
  }

  get line(): number | null {
    return this.#lineOf([])
  }

  #note(kind: Kind, path: Path, why: string, instead: string): void {
    const { service } = this
    this.notes.push({
      ...{ kind, line: this.#lineOf(path), service, key: formatPath(path), why, instead },
    })
  }
}
