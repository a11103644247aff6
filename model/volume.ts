import { z } from 'zod'
import { areDistinct, fillName, isAppName } from './name.ts'

/** Where an instance sees a named volume. */
export interface Mount {
  volume: string
  path: string
  readOnly: boolean
}

const PATH = /^(?:\/[A-Za-z0-9._-]{1,64}){1,16}$/
/** What the kernel, the engine and the image's own programs have there: nothing of an app is kept in these. */
const RESERVED =
  /^\/(?:proc|sys|dev|etc|boot|bin|sbin|lib|lib32|lib64|libx32|usr\/(?:s?bin|lib))(?:\/|$)|^\/(?:usr|run|var|var\/run|tmp)$/

function isPath(path: string): boolean {
  const isPlain = PATH.test(path) && path.split('/').every((part) => !/^\.{1,2}$/.test(part))
  return isPlain && !RESERVED.test(path)
}

/** Reads `name:/path` or `name:/path:ro`, a named volume and never a path of the host; null for all else. */
export function parseVolume(text: string): Mount | null {
  const [volume = '', path = '', mode, ...rest] = text.split(':')
  if (rest.length > 0 || !(mode === undefined || mode === 'ro')) return null
  return isAppName(volume) && isPath(path) ? { volume, path, readOnly: mode === 'ro' } : null
}

/** The mounts of an App, whose texts are valid. */
export function mountsOf(volumes: readonly string[]): Mount[] {
  return volumes.flatMap((text) => parseVolume(text) ?? [])
}

const FORM =
  'must be name:/path or name:/path:ro, a named volume at a path like /var/lib/db that is not part of the system'

const list = (read: (text: string) => Mount | null) =>
  z
    .array(z.string().refine((text) => read(text) !== null, FORM))
    .max(16, 'must be at most 16')
    .refine(
      (texts) => areDistinct(texts.map((text) => read(text)?.path ?? text)),
      'must have distinct paths',
    )

/** What an App keeps: volumes by name, each at a path of its own. */
export const Volumes = list(parseVolume)

/** The same in a Blueprint, where `{{name}}` stands for a name. */
export const VolumeTemplates = list((text) => parseVolume(fillName(text, 'x')))
