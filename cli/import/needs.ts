import { isRecord } from './document.ts'
import type { Notebook } from './note.ts'
import { readNames } from './value.ts'

/** Names under a key that has a list or a map. Tells of anything else. */
function namesIn(key: string, data: Record<string, unknown>, notes: Notebook): string[] {
  const value = data[key]
  if (value !== undefined && value !== null && !Array.isArray(value) && !isRecord(value))
    notes.refused([key], 'is neither a list nor a map', `write a list, like ${key}: [name]`)
  return readNames(value)
}

/** The services that a service needs: woken before it, and awake as long as it is. */
export function readNeeds(data: Record<string, unknown>, notes: Notebook): string[] {
  const { depends_on: value } = data
  return namesIn('depends_on', data, notes).filter((name) => {
    const how = isRecord(value) && isRecord(value[name]) ? value[name] : {}
    if (how.condition !== 'service_completed_successfully') return true
    notes.left(
      ['depends_on', name],
      'an app runs as long as it is used, not to an end',
      'do once what it does, or have the image do it',
    )
    return false
  })
}

/** The networks of the file that a service is in. */
export function readNetworks(data: Record<string, unknown>, notes: Notebook): string[] {
  if ('network_mode' in data) return []
  const names = namesIn('networks', data, notes)
  return names.length > 0 ? names : ['default']
}
