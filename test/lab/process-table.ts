import { readdir, readFile } from 'node:fs/promises'

/** What /proc says of one process. `session` is the pid of the process that began its session. */
export interface Row {
  pid: number
  parent: number
  session: number
  zombie: boolean
}

/** Fields of /proc/<pid>/stat from the third on: the second may hold spaces, but ends in the last ')'. */
async function statOf(pid: number): Promise<string[] | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
  return text === null ? null : text.slice(text.lastIndexOf(')') + 2).split(' ')
}

/** When a process began, in clock ticks since boot; null when it is gone. With the pid it names one process for ever. */
export async function bornAt(pid: number): Promise<string | null> {
  return (await statOf(pid))?.[19] ?? null
}

/** All processes of the machine. */
export async function processTable(): Promise<Row[]> {
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name)).map(Number)
  const rows = await Promise.all(
    pids.map(async (pid) => {
      const [state, parent, , session] = (await statOf(pid)) ?? []
      if (state === undefined) return null
      return { pid, parent: Number(parent), session: Number(session), zombie: state === 'Z' }
    }),
  )
  return rows.filter((row) => row !== null)
}

/** Living processes that this one has started, as nginx's master its workers; ascending. */
export async function childrenOf(pid: number): Promise<number[]> {
  const rows = (await processTable()).filter(({ parent, zombie }) => parent === pid && !zombie)
  return rows.map((row) => row.pid).sort((left, right) => left - right)
}

/** Living processes of a session. */
export async function sessionOf(leader: number): Promise<number[]> {
  const rows = await processTable()
  return rows.filter((row) => row.session === leader && !row.zombie).map((row) => row.pid)
}
