import { closeSync, openSync, readSync } from 'node:fs'
import { misuse } from '../failure.ts'
import type { Terminal } from '../terminal.ts'

/** More than any compose file of a person has. */
const MOST = 1024 ** 2

/**
 * The text of a file, or of stdin for `-`.
 * @throws Failure if it cannot be read, is longer than 1 MiB, or is no UTF-8
 */
export async function readText(terminal: Terminal, path: string): Promise<string> {
  if (path !== '-') return decode(readBytes(path), path)
  const text = await terminal.read()
  if (Buffer.byteLength(text) > MOST) throw tooLong('stdin')
  // what came was decoded already: what did not fit was replaced
  const at = text.indexOf('\ufffd')
  if (at >= 0) throw misuse(`stdin:${text.slice(0, at).split('\n').length}: is not UTF-8`)
  return text
}

/** Reads no more than it may, whatever the file is: a pipe and /dev/zero have no size. */
function readBytes(path: string): Buffer {
  const bytes = Buffer.alloc(MOST + 1)
  let length = 0
  try {
    const file = openSync(path, 'r')
    try {
      for (let read = -1; read !== 0 && length <= MOST; length += read)
        read = readSync(file, bytes, length, bytes.length - length, null)
    } finally {
      closeSync(file)
    }
  } catch (error) {
    throw misuse(`cannot read ${path}: ${(error as Error).message}`)
  }
  if (length > MOST) throw tooLong(path)
  return bytes.subarray(0, length)
}

const tooLong = (path: string): Error =>
  misuse(`${path} is longer than 1 MiB`, 'Import its services in parts: one file for each.')

function decode(bytes: Buffer, path: string): string {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    return decoder.decode(bytes)
  } catch {
    const lines = bytes.toString('latin1').split('\n')
    const isBroken = (line: string): boolean => {
      try {
        decoder.decode(Buffer.from(line, 'latin1'))
        return false
      } catch {
        return true
      }
    }
    throw misuse(`${path}:${lines.findIndex(isBroken) + 1}: is not UTF-8`, 'Save it as UTF-8.')
  }
}
