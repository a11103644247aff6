import { parseVolume } from '../../model/volume.ts'
import { isRecord } from './document.ts'
import type { Notebook } from './note.ts'
import { textOf } from './value.ts'

const BIND = 'Reveille gives an app no files of its host'
const COPY = 'copy what is in the old one: docs/from/compose.md'
const INSTEAD = 'put the files into the image, or into a named volume'

/** The named volumes of a service, as an App has them. Tells of every other mount. */
export function readVolumes(value: unknown, notes: Notebook): string[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) {
    notes.refused(['volumes'], 'is no list', 'write a list, like ["data:/data"]')
    return []
  }
  return value.flatMap((item, index) => {
    const mount = isRecord(item) ? long(item) : short(textOf(item))
    const { type, source, target, isReadOnly } = mount
    const path = ['volumes', index]
    if (type === 'tmpfs')
      notes.left(path, 'an app may write to its container, which is not kept', '')
    else if (type === 'bind') notes.left(path, `${BIND}: ${source}`, INSTEAD)
    else if (type !== 'volume') notes.left(path, `no app has a ${type}`, INSTEAD)
    else if (source === '')
      notes.left(path, 'a volume without a name is not kept', 'give it one: name:/path')
    else {
      const volume = `${source}:${target}${isReadOnly ? ':ro' : ''}`
      if (parseVolume(volume) === null)
        notes.refused(
          path,
          `an app has no volume ${source} at ${target}`,
          'name it like an app, and have it at a path that is no part of the system',
        )
      else {
        if (mount.options.length > 0)
          notes.left(path, `${mount.options.join(', ')}: a volume is read-only, or not`, '')
        notes.changed(path, `the volume ${source} begins empty`, COPY)
        return [volume]
      }
    }
    return []
  })
}

interface Mount {
  type: string
  source: string
  target: string
  isReadOnly: boolean
  /** others than that */
  options: string[]
}

function long(item: Record<string, unknown>): Mount {
  return {
    type: textOf(item.type) ?? 'mount',
    source: textOf(item.source) ?? '',
    target: textOf(item.target) ?? '',
    isReadOnly: item.read_only === true,
    options: ['bind', 'volume', 'tmpfs', 'consistency'].filter((key) => key in item),
  }
}

/** A drive of Windows, with the colon that is its own. */
const DRIVE = /^[A-Za-z]:(?:\\|\/[^:]*:\/)/

function short(text: string | null): Mount {
  const all = text ?? ''
  const drive = DRIVE.test(all) ? all.slice(0, 2) : ''
  const [first = '', second, mode = '', ...more] = all.slice(drive.length).split(':')
  const source = `${drive}${first}`
  const options = mode.split(',').filter((option) => !['', 'ro', 'rw'].includes(option))
  const isReadOnly = mode.split(',').includes('ro')
  if (second === undefined)
    return { type: 'volume', source: '', target: source, isReadOnly: false, options }
  const type = /^[./~\\]|[/\\]/.test(source) ? 'bind' : 'volume'
  return { type, source, target: [second, ...more].join(':'), isReadOnly, options }
}
