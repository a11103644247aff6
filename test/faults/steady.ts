import { setTimeout as pause } from 'node:timers/promises'
import type { LabFleet } from '../lab/fleet/fleet.ts'
import { APP_IMAGE } from '../lab/image.ts'
import { clean } from './clean.ts'
import { type Footprint, growth, most } from './footprint.ts'
import { herd } from './herd.ts'
import { subjectOf } from './subject.ts'

/**
 * So many apps, each asked for by so many clients at once: every launcher has held about as many as it may then, and
 * every host has worked.
 */
const APPS = 6
const CROWD = 1_500
/** Milliseconds between two looks: a session renews its lease at another member in that time. */
const LOOK = 3_000
/** So many looks in a row must agree, out of so many. */
const AGREE = 3
const LOOKS = 20

/**
 * A fleet as it is in the middle of its life: every process has worked, and has its connections to all members of etcd.
 * What it takes then is what it must come back to. Resolves with what each process took most. Throws if it goes on growing.
 */
export async function steady(fleet: LabFleet): Promise<ReadonlyMap<string, number>> {
  const subject = await subjectOf(fleet)
  const looks: Footprint[] = []
  const names = Array.from({ length: APPS }, (_, index) => `first-${index}`)
  for (const name of names) await fleet.add({ name, image: APP_IMAGE, env: { NAME: name } })
  const origins = fleet.gateways.map(({ origin }) => origin)
  for (const name of names) {
    const shots = await (await herd(origins, name, CROWD)).done
    if (!shots.some(({ status }) => status === 200)) throw new Error(`${name} did not wake`)
    looks.push(await subject.footprint())
  }
  await clean(fleet)
  let first = await subject.footprint()
  for (let look = 0, agreed = 0; agreed < AGREE; look++) {
    if (look === LOOKS) throw new Error(`the fleet does not come to rest in ${LOOKS} looks`)
    await pause(LOOK)
    const next = await subject.footprint()
    const [was, is] = [growth(next, first, most(looks)), growth(first, next, most(looks))]
    const same = was.length + is.length === 0
    agreed = same ? agreed + 1 : 0
    if (!same) first = next
    looks.push(next)
  }
  return most(looks)
}
