import { createServer, type RequestListener, type Server } from 'node:http'
import { temporaryFolder } from '../lab/folder.ts'

/** Where something answers as an engine would. */
export interface PretendedEngine {
  /** as openEngine takes it */
  url: string
  server: Server
}

/** Has `answer` take an engine's calls on a socket of its own. What ends it is added to `leftovers`. */
export async function pretendEngine(
  leftovers: (() => unknown)[],
  answer: RequestListener,
): Promise<PretendedEngine> {
  const socket = `${await temporaryFolder()}/engine.sock`
  const server = createServer(answer)
  leftovers.push(() => server.close().closeAllConnections())
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  return { url: `unix://${socket}`, server }
}
