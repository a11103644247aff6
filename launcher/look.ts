import type { App } from '../model/app.ts'
import type { Container } from '../model/container.ts'
import { readLabels } from '../model/label.ts'
import { canonical, containerName } from '../model/name.ts'
import type { Host } from '../model/record.ts'
import type { Catalog } from './catalog.ts'
import { codeOf, type Engine, type Engines, wordsOf } from './engine.ts'
import type { Candidate } from './place.ts'

/** A host that does not answer within this time is left out, milliseconds. */
const DEADLINE = 2_000

function isSlot(container: Container, app: App, slot: number): boolean {
  const labels = readLabels(container.labels)
  return (
    labels.ok && canonical(labels.spec.app) === canonical(app.name) && labels.spec.slot === slot
  )
}

/**
 * The container of a slot on one engine: by the name we give it, which is one quick question; where there is none,
 * by its labels, since an operator may have made it under a name of their own.
 */
async function find(engine: Engine, app: App, slot: number): Promise<Container | null> {
  const own = await engine.inspect(containerName(app.name, slot))
  if (own && isSlot(own, app, slot)) return own
  return (await engine.list()).find((container) => isSlot(container, app, slot)) ?? null
}

function within<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`does not answer within ${ms} ms`)), ms)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

/** Memory that running instances may use, by the address of their host. */
function promised(catalog: Catalog): Map<string, number> {
  const sums = new Map<string, number>()
  for (const [name, slots] of catalog.state.endpoints) {
    const memory = catalog.find(name)?.limits.memory ?? 0
    for (const { value } of slots.values())
      sums.set(value.host, (sums.get(value.host) ?? 0) + memory)
  }
  return sums
}

/** Looks for the slot's container on every registered host. Never throws: a host in trouble says so. */
export async function look(
  app: App,
  slot: number,
  catalog: Catalog,
  engines: Engines,
): Promise<Candidate[]> {
  const hosts: Host[] = [...catalog.state.hosts.values()].map(({ value }) => value)
  // With one host there is nothing to compare.
  const sums = hosts.length > 1 ? promised(catalog) : new Map<string, number>()
  return await Promise.all(
    hosts.map(async (host): Promise<Candidate> => {
      const load = host.memory > 0 ? (sums.get(host.address) ?? 0) / host.memory : 0
      try {
        const container = await within(find(engines.at(host.engine), app, slot), DEADLINE)
        return { host, container, trouble: null, load }
      } catch (error) {
        const trouble = `has an engine that fails: ${codeOf(error)} ${wordsOf(error)}`
        return { host, container: null, trouble, load }
      }
    }),
  )
}
