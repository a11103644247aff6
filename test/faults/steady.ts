import { setTimeout as pause } from 'node:timers/promises'
import type { LabFleet } from '../lab/fleet/fleet.ts'
import { APP_IMAGE } from '../lab/image.ts'
import { clean } from './clean.ts'
import { type Footprint, growth, type Plateau, plateauOf } from './footprint.ts'
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
/** So many looks in a row must agree with the one before them, out of so many. */
const AGREE = 3
const LOOKS = 20

/**
 * A fleet as it is in the middle of its life: every process has worked, and has its connections to all members of etcd.
 * What it takes then is what it must come back to. Throws if it goes on growing.
 */
export async function steady(fleet: LabFleet): Promise<Plateau> {
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
  let resting = [await subject.footprint()]
  for (let look = 0; resting.length <= AGREE; look++) {
    if (look === LOOKS) throw new Error(`the fleet does not come to rest in ${LOOKS} looks`)
    await pause(LOOK)
    const next = await subject.footprint()
    looks.push(next)
    const [first = next] = resting
    const memory = plateauOf(looks)
    const changes = [...growth(next, first, memory), ...growth(first, next, memory)]
    resting = changes.length === 0 ? [...resting, next] : [next]
  }
  return plateauOf(looks, resting)
}
