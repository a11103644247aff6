import { readdirSync, readFileSync } from 'node:fs'

/** USER_HZ: the unit of utime and stime in /proc/<pid>/stat; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

function stat(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

function all(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
}

/** What `look` says of a process; `gone` if it ended between the listing and the look. */
function unlessGone<T>(look: () => T, gone: T): T {
  try {
    return look()
  } catch {
    return gone
  }
}

/** Processes whose parent is `pid`: the workers of an nginx master. */
export function children(pid: number): number[] {
  return all().filter((candidate) => unlessGone(() => Number(stat(candidate)[1]) === pid, false))
}

/** `pid` and all processes below it, at any depth. */
export function family(pid: number): number[] {
  return [pid, ...children(pid).flatMap(family)]
}

/** The processes whose command line holds `text`, but for this one. */
export function named(text: string): number[] {
  return all().filter((pid) => pid !== process.pid && commandOf(pid).includes(text))
}

function commandOf(pid: number): string {
  return unlessGone(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '), '')
}

/** What a process of `reveille up` is: up, a service's name, `services` where they share one, or nginx; '' for anything else. */
export function roleOf(pid: number): string {
  const [, service, nginx, up] =
    /\/service-main\.js (\w+) |^(nginx)|main\.js (up) /.exec(commandOf(pid)) ?? []
  return service ?? nginx ?? up ?? ''
}

/** CPU time (user and system) these processes have used since they began, in microseconds. */
export function cpuMicroseconds(pids: readonly number[]): number {
  let ticks = 0
  for (const pid of pids) {
    const fields = stat(pid)
    ticks += Number(fields[11]) + Number(fields[12])
  }
  return (ticks * 1e6) / TICKS_PER_SECOND
}

/** Memory of these processes in kB: `rss` counts what they share once for each, `pss` once for all. */
export function memory(pids: readonly number[]): { rss: number; pss: number } {
  const sum = { rss: 0, pss: 0 }
  for (const pid of pids) {
    const text = unlessGone(() => readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'), '')
    sum.rss += Number(/^Rss: +(\d+)/m.exec(text)?.[1] ?? 0)
    sum.pss += Number(/^Pss: +(\d+)/m.exec(text)?.[1] ?? 0)
  }
  return sum
}
