import { statfs } from 'node:fs/promises'

/** Bytes that programs may still write below `folder`; null if there is no such folder on this machine, or none may look. */
export async function freeBytes(folder: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  } catch {
    return null
  }
}
