import { rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDoor } from '../../adapters/nginx-door.ts'
import { temporaryFolder } from '../lab/folder.ts'

let folder: string
let door: Awaited<ReturnType<typeof openDoor>>
let nginx: Server
/** texts that arrived */
let texts = 0

/** Somebody who takes tables, and 5.5 s for each. */
beforeAll(async () => {
  folder = await temporaryFolder()
  door = await openDoor(folder)
  nginx = createServer((request, response) => {
    request.resume()
    request.on('end', () => {
      texts += 1
      setTimeout(() => response.end('abcd\nbad-1\nbad-2\n'), 5500)
    })
  })
  await new Promise<void>((ready) => nginx.listen(join(folder, 'door/0'), ready))
})
afterAll(async () => {
  nginx.closeAllConnections()
  nginx.close()
  await rm(folder, { recursive: true, force: true })
})

describe('a table', () => {
  it('is given the time that one of its length takes', async () => {
    const asked = [door.put('x'.repeat(4_000_000)), door.put('x')]
    const [long, short] = await Promise.allSettled(asked)
    expect(long).toMatchObject({ value: { revision: 'abcd', refused: ['bad-1', 'bad-2'] } })
    expect(short).toMatchObject({ reason: { message: expect.stringMatching(/does not answer/) } })
  }, 30_000)

  it('that is longer than nginx takes is not sent, and the reason says what to do', async () => {
    const before = texts
    await expect(door.put('x'.repeat(129 * 1024 ** 2))).rejects.toThrow(
      'the table of routes has 129 MB, of which nginx takes 128: too many apps run at once for one gateway',
    )
    expect(texts).toBe(before)
  })
})
