import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

function find(folder: string): string {
  const parent = dirname(folder)
  return existsSync(join(folder, 'package.json')) || parent === folder ? folder : find(parent)
}

/** The folder this project is installed in: that of its package.json, above the sources and above dist/. */
export const ROOT = find(import.meta.dirname)
