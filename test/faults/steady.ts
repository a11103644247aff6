import { setTimeout as pause } from 'node:timers/promises'
import type { LabFleet } from '../lab/fleet/fleet.ts'
import { APP_IMAGE } from '../lab/image.ts'
import { ask } from '../system/client.ts'
import { clean } from './clean.ts'
import { growth } from './footprint.ts'
import { subjectOf } from './subject.ts'

/** Milliseconds between two looks: a session renews its lease at another member in that time. */
const LOOK = 3_000
/** So many looks in a row must agree, out of so many. */
const AGREE = 3
const LOOKS = 20

/**
 * A fleet as it is in the middle of its life: every process has worked, and has its connections to all members of etcd.
 * What it takes then is what it must come back to. Throws if it goes on growing.
 */
export async function steady(fleet: LabFleet): Promise<void> {
  const names = fleet.hosts.map((_, index) => `first-${index}`)
  for (const name of names) await fleet.add({ name, image: APP_IMAGE, env: { NAME: name } })
  const asked = fleet.gateways.flatMap(({ origin }) =>
    names.map((name) => ask(origin, `/${name}/`)),
  )
  for (const { status, text } of await Promise.all(asked))
    if (status !== 200) throw new Error(`a first wake got ${status}: ${text}`)
  await clean(fleet)
  const subject = await subjectOf(fleet)
  let first = await subject.footprint()
  for (let look = 0, agreed = 0; agreed < AGREE; look++) {
    if (look === LOOKS) throw new Error(`the fleet does not come to rest in ${LOOKS} looks`)
    await pause(LOOK)
    const next = await subject.footprint()
    const same = growth(first, next).length === 0 && growth(next, first).length === 0
    agreed = same ? agreed + 1 : 0
    if (!same) first = next
  }
}
