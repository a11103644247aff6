import type { Container } from '../../model/container.ts'

interface Lister {
  list(): Promise<Container[]>
}

interface Lists {
  /** settles when the list that was begun last is there */
  last: Promise<unknown>
  /** the one that begins then */
  next: Promise<Container[]> | null
}

const known = new WeakMap<Lister, Lists>()

/** Whether somebody waits for a list that is still to begin: one more who does costs nothing. */
export function isAwaited(engine: Lister): boolean {
  return (known.get(engine)?.next ?? null) !== null
}

/**
 * A list of the engine that begins now or later, as what was seen before says nothing of now: one after the other, and
 * one for all who ask while another is under way. Rejects as the engine's list does, and waits for as long: whoever can do
 * without this engine asks the Census.
 */
export function freshList(engine: Lister): Promise<Container[]> {
  const lists = known.get(engine) ?? { last: Promise.resolve(), next: null }
  known.set(engine, lists)
  lists.next ??= lists.last.then(() => {
    lists.next = null
    const list = engine.list()
    lists.last = list.catch(() => {})
    return list
  })
  return lists.next
}
