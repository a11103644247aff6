import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** All that says which apps a gateway runs: its configuration, and the lines of its table where it has one. */
export async function gatewayText(file: string): Promise<string> {
  const text = await readFile(file, 'utf8')
  if (!text.includes('lua_shared_dict')) return text
  return `${text}\n${await readFile(join(dirname(file), 'nginx/table'), 'utf8')}`
}
