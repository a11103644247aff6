import { readFile } from 'node:fs/promises'
import { command } from './command.ts'

/** What is mounted below a folder, as this process sees it, deepest first. The lab's paths have no blanks. */
export async function mountsBelow(folder: string): Promise<string[]> {
  const lines = (await readFile('/proc/self/mounts', 'utf8')).split('\n')
  return lines
    .map((line) => line.split(' ')[1] ?? '')
    .filter((point) => point.startsWith(`${folder}/`))
    .sort()
    .toReversed()
}

/** Takes all of that away. */
export async function removeMounts(folder: string): Promise<void> {
  for (const point of await mountsBelow(folder)) await command('umount', '-l', point)
}
