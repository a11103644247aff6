import { writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'

/** What `nice` takes off: three times the share of who has none. */
const LESS = -5

/**
 * Has a process that leads a session come before others where there are fewer cores than work, with all that it starts.
 * Linux shares cores between sessions first, by what each is told of itself, and within them by `nice` (sched(7),
 * autogroup); where it does not, `nice` alone counts. So both are said. Nothing happens where this user may not.
 */
export function favour(pid: number): void {
  try {
    setPriority(pid, LESS)
    writeFileSync(`/proc/${pid}/autogroup`, String(LESS))
  } catch {
    // another user than root, a kernel without sessions of their own, or it has ended
  }
}
