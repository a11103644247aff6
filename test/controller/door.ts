import { request } from 'node:http'
import { join } from 'node:path'
import type { LabController } from './gateway.ts'

/** The only door of a lab's table, as long as it was never lost. */
export const socketOf = (lab: LabController) => join(lab.folder, 'nginx/door/0')

/** Speaks to the table as a controller does. */
export function door(
  lab: LabController,
  method: string,
  path: string,
  body = '',
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-length': Buffer.byteLength(body) }
    const call = request({ socketPath: socketOf(lab), method, path, headers, agent: false })
    call.on('error', reject)
    call.on('response', (response) => {
      let text = ''
      response.on('data', (part: Buffer) => {
        text += part.toString()
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: text.trim() }))
    })
    call.end(body)
  })
}

/** Of which moment the table is. */
export function turnOf(lab: LabController): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: socketOf(lab), path: '/table', agent: false })
    call.on('error', reject)
    call.on('response', (response) => {
      response.resume()
      resolve(String(response.headers.turn))
    })
    call.end()
  })
}

export const revisionOf = async (lab: LabController) => (await door(lab, 'GET', '/table')).text

/** Requests that are with an instance, by its address. */
export async function flightOf(lab: LabController): Promise<Record<string, number>> {
  const { text } = await door(lab, 'GET', '/flight')
  const lines = text.split('\n').filter((line) => line !== '')
  return Object.fromEntries(
    lines.map((line) => [line.split(' ')[0], Number(line.split(' ')[1])] as const),
  )
}
