import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname } from 'node:path'

/** Milliseconds in which changes are told as one: a file is emptied before it is written. */
const SETTLE = 30

/**
 * Calls `onChange` soon after one of these files was written, replaced or removed. It is their folders that are watched, as
 * files are mostly replaced. A hint and no promise: a folder that is not there, the target of a link and what other machines
 * write on a network file system tell nothing. Returns how to stop it. Does not throw.
 */
export function watchFiles(paths: readonly string[], onChange: () => void): () => void {
  const names = new Map<string, Set<string>>()
  for (const path of paths)
    names.set(dirname(path), (names.get(dirname(path)) ?? new Set()).add(basename(path)))
  let timer: NodeJS.Timeout | undefined
  const watchers: FSWatcher[] = []
  for (const [folder, files] of names)
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        if (name === null || files.has(name))
          timer ??= setTimeout(() => {
            timer = undefined
            onChange()
          }, SETTLE)
      })
      watchers.push(watcher.on('error', () => watcher.close()))
    } catch {
      // it is not there, or this machine watches too many already
    }
  return () => {
    clearTimeout(timer)
    for (const watcher of watchers) watcher.close()
  }
}
