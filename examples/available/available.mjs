// An isAvailable hook: only names of a list may be woken. Run a launcher with --available <this file>.
// It is asked once per wake, with { name, method, uri }, and must say exactly true (or { allow: true }).
import { readFile } from 'node:fs/promises'

const list = new URL('./customers.txt', import.meta.url)

export default async function isAvailable({ name }) {
  const customers = (await readFile(list, 'utf8')).split('\n').map((line) => line.trim())
  return customers.includes(name.toLowerCase())
}
