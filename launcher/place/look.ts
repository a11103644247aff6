import { setTimeout as pause } from 'node:timers/promises'
import type { App } from '../../model/app.ts'
import type { Container } from '../../model/container.ts'
import { APP_LABEL, readLabels } from '../../model/label.ts'
import { canonical, containerName } from '../../model/name.ts'
import type { Host } from '../../model/record.ts'
import type { Catalog } from '../catalog.ts'
import { type Engine, type Engines, wordsOf } from '../engine.ts'
import { printable } from '../wake/failure.ts'
import { freshList, isAwaited } from './listing.ts'
import type { Sight } from './place.ts'

/** A host that takes longer is left out if another one has answered, milliseconds. */
const SLOW = 1_000

/**
 * So many are asked of an engine about one container each: where more want to know, a list answers them all. So it does
 * where one is about to be made anyway: mostly the container is on another host, and the question leads to a list.
 */
const CROWD = 2

/** By engine: how many ask it about one container right now. */
const asking = new WeakMap<Engine, number>()

function isSlot({ labels }: Container, app: App, slot: number): boolean {
  // Most are another app's: they need not be read any further.
  if (canonical(labels[APP_LABEL] ?? '') !== canonical(app.name)) return false
  const found = readLabels(labels)
  return found.ok && found.spec.slot === slot
}

/**
 * The container of a slot on one engine: by the name we give it, which is one quick question; where there is none,
 * by its labels, since an operator may have made it under a name of their own.
 */
export async function find(engine: Engine, app: App, slot: number): Promise<Container | null> {
  const name = containerName(app.name, slot)
  const isCrowded = isAwaited(engine) || (asking.get(engine) ?? 0) >= CROWD
  const own = isCrowded ? null : await inspect(engine, name)
  if (own && isSlot(own, app, slot)) return own
  const found = (await freshList(engine)).filter((container) => isSlot(container, app, slot))
  return found.find((container) => container.name === name) ?? found[0] ?? null
}

async function inspect(engine: Engine, name: string): Promise<Container | null> {
  const count = (more: number): void => void asking.set(engine, (asking.get(engine) ?? 0) + more)
  count(1)
  try {
    return await engine.inspect(name, { forWake: true })
  } finally {
    count(-1)
  }
}

/** The same for one that owes an answer already: it may answer everything but this, and is not to delay every wake. */
const OWING = 200

/** By engine: how many of our questions it has not answered within {@link SLOW}. */
const owed = new WeakMap<Engine, number>()

/** What the engine has of the slot. While it is late, others wait for it less. */
async function ask(engine: Engine, app: App, slot: number): Promise<Container | null> {
  let isLate = false
  const count = (more: number): void => void owed.set(engine, (owed.get(engine) ?? 0) + more)
  const timer = setTimeout(() => {
    isLate = true
    count(1)
  }, SLOW)
  try {
    return await find(engine, app, slot)
  } finally {
    clearTimeout(timer)
    if (isLate) count(-1)
  }
}

/** Writes what is there of the slot to `sight`. `isPrompt`: the engine owed nothing before. */
function see(
  sight: Sight,
  app: App,
  slot: number,
  engines: Engines,
): { asked: Promise<void>; isPrompt: boolean } {
  try {
    const engine = engines.at(sight.host.engine)
    const isPrompt = !owed.get(engine)
    const asked = ask(engine, app, slot).then(
      (container) => void Object.assign(sight, { container, trouble: null }),
      (error: unknown) => fail(sight, error),
    )
    return { asked, isPrompt }
  } catch (error) {
    fail(sight, error)
    return { asked: Promise.resolve(), isPrompt: true }
  }
}

function fail(sight: Sight, error: unknown): void {
  sight.trouble = `has an engine that fails: ${printable(wordsOf(error))}`
}

/**
 * Looks for the slot's container on every registered host. Never throws: a host in trouble says so. An engine that
 * starts and stops containers answers late, so a slow host is waited for while there is no other.
 */
export async function look(
  app: App,
  slot: number,
  catalog: Catalog,
  engines: Engines,
): Promise<Sight[]> {
  const hosts: Host[] = [...catalog.state.hosts.values()].map(({ value }) => value)
  const sights = hosts.map(
    (host): Sight => ({
      host,
      container: null,
      trouble: 'has an engine that does not answer',
    }),
  )
  const prompt: Promise<void>[] = []
  const all = Promise.all(
    sights.map((sight) => {
      const { asked, isPrompt } = see(sight, app, slot, engines)
      if (isPrompt) prompt.push(asked)
      return asked
    }),
  )
  if (hosts.length > 1) {
    const enough = new AbortController()
    const after = (ms: number) => pause(ms, null, { signal: enough.signal }).catch(() => {})
    await Promise.race([all, after(SLOW), Promise.all([...prompt, after(OWING)])])
    enough.abort()
  }
  if (!sights.some(({ trouble }) => trouble === null)) await all
  return sights.map((sight) => ({ ...sight }))
}
