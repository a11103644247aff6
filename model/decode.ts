import { App } from './app.ts'
import { Blueprint } from './blueprint.ts'
import { type AddressPolicy, admitEndpoint, admitLauncher, type Endpoint } from './endpoint.ts'
import { isNoEngine } from './engine-url.ts'
import type { Key } from './key.ts'
import { Pool } from './pool.ts'
import { Claim, Drain, Gateway, Home, Host, Roll } from './record.ts'

/** A value under one of our keys, read and found valid; or why not. */
export type Decoded =
  | { kind: 'endpoint'; app: string; slot: number; value: Endpoint }
  | { kind: 'claim'; app: string; slot: number; value: Claim }
  | { kind: 'app'; name: string; value: App }
  | { kind: 'blueprint'; name: string; value: Blueprint }
  | { kind: 'pool'; name: string; value: Pool }
  | { kind: 'host'; name: string; value: Host }
  | { kind: 'drain'; name: string; value: Drain }
  | { kind: 'roll'; name: string; value: Roll }
  | { kind: 'launcher'; name: string; value: Endpoint }
  | { kind: 'gateway'; name: string; value: Gateway }
  | { kind: 'home'; name: string; value: Home }
  | { kind: 'activity' | 'room'; name: string }
  | { kind: 'refused'; reason: string }

/** A value of more characters is refused. */
export const LARGEST = 65_536

/** Reads the value etcd has under `key`. Never throws: one bad value is data. */
export function decode(key: Key, text: string, policy: AddressPolicy): Decoded {
  // That these change is all they say: whatever their value, news of it must not be missed.
  if (key.kind === 'activity' || key.kind === 'room') return { kind: key.kind, name: key.name }
  if (text.length > LARGEST) return refused('larger than 64 KiB')
  switch (key.kind) {
    case 'endpoint': {
      const verdict = admitEndpoint(text, policy)
      return verdict.ok
        ? { ...key, kind: 'endpoint', value: verdict.endpoint }
        : refused(verdict.reason)
    }
    case 'launcher': {
      const verdict = admitLauncher(text, policy)
      return verdict.ok
        ? { kind: 'launcher', name: key.name, value: verdict.endpoint }
        : refused(verdict.reason)
    }
    case 'app':
      return record(App, text, (value) =>
        value.name === key.name ? { kind: 'app', name: key.name, value } : misplaced,
      )
    case 'blueprint':
      return record(Blueprint, text, (value) =>
        value.name === key.name ? { kind: 'blueprint', name: key.name, value } : misplaced,
      )
    case 'pool':
      return record(Pool, text, (value) =>
        value.name === key.name ? { kind: 'pool', name: key.name, value } : misplaced,
      )
    case 'host':
      return record(Host, text, (value) => {
        if (value.name !== key.name) return misplaced
        if (isNoEngine(value.engine, policy.denied))
          return refused('its engine is at an address of the control plane')
        return { kind: 'host', name: key.name, value }
      })
    case 'gateway':
      return record(Gateway, text, (value) =>
        value.id === key.name ? { kind: 'gateway', name: key.name, value } : misplaced,
      )
    case 'drain':
      return record(Drain, text, (value) => ({ kind: 'drain', name: key.name, value }))
    case 'roll':
      return record(Roll, text, (value) => ({ kind: 'roll', name: key.name, value }))
    case 'home':
      return record(Home, text, (value) => ({ kind: 'home', name: key.name, value }))
    case 'claim':
      return record(Claim, text, (value) => ({ ...key, kind: 'claim', value }))
  }
}

const refused = (reason: string): Decoded => ({ kind: 'refused', reason })
const misplaced = refused('its name is not that of its key')

function record<T>(
  schema: { safeParse(data: unknown): { success: true; data: T } | { success: false } },
  text: string,
  accept: (value: T) => Decoded,
): Decoded {
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch {
    return refused('not JSON')
  }
  const parsed = schema.safeParse(data)
  return parsed.success ? accept(parsed.data) : refused('not a valid record of its kind')
}
