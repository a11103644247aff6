import type { App } from '../model/app.ts'
import { decode } from '../model/decode.ts'
import type { AddressPolicy } from '../model/endpoint.ts'
import type { Keys } from '../model/key.ts'
import type { Entry } from '../model/state.ts'

/**
 * What a gateway goes by of an entry. Of an App that is whether and which routes lead to it, and whether clients stay:
 * a smaller App, which says as much to a gateway. The rest is what a controller would have in its memory and in its file
 * for nothing, environments with their secrets included. An App that is none stays as it is, to be refused for what it is.
 */
export function gistOf(keys: Keys, policy: AddressPolicy): (entry: Entry) => Entry {
  return (entry) => {
    const key = keys.parse(entry.key)
    if (key?.kind !== 'app') return entry
    const decoded = decode(key, entry.value, policy)
    return decoded.kind === 'app' ? { ...entry, value: gist(decoded.value) } : entry
  }
}

/** The text of it. */
export function gist({ name, image, sticky, route, routes }: App): string {
  return JSON.stringify({
    ...{ name, image },
    ...(sticky && { sticky }),
    ...(route !== 'path' && { route }),
    ...(routes.length > 0 && { routes }),
  })
}
