import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { command } from './command.ts'

/** Of a gateway whose running apps are in nginx's memory. */
export interface LiveTable {
  /** the file from which nginx has them when it starts */
  file: string
  /** the socket by which they are changed */
  door: string
}

/** All that says which apps a gateway runs: its configuration, and the lines of its table where it has one. */
export async function gatewayText(configuration: string): Promise<string> {
  const text = await readFile(configuration, 'utf8')
  const table = tableOf(text)
  return table === null ? text : `${text}\n${await readFile(table.file, 'utf8')}`
}

/** The table of the gateway with this configuration, null if it has none. */
export async function liveTable(configuration: string): Promise<LiveTable | null> {
  return tableOf(await readFile(configuration, 'utf8'))
}

function tableOf(text: string): LiveTable | null {
  const door = /"unix:([^"]+\/door\/\d+)"/.exec(text)?.[1]
  return door === undefined ? null : { door, file: join(dirname(door), '../table') }
}

/** Whether nginx has in its memory what the table's file says; not if nobody is at its door. */
export async function isWritten({ door, file }: LiveTable): Promise<boolean> {
  const asked = ['-sS', '-m', '5', '--unix-socket', door, 'http://door/table']
  const [revision, text] = await Promise.all([
    command('curl', ...asked).catch(() => 'none'),
    readFile(file, 'utf8'),
  ])
  return text.split('\n')[0]?.endsWith(` ${revision.trim()}`) ?? false
}
