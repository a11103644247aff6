import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** A server whose answers a test may change at any moment. */
export interface LabServer {
  readonly address: string
  readonly port: number
  readonly count: number
  answer: (response: ServerResponse, path: string) => void
  /** Ends it: connections are cut, the port refuses. */
  stop(): Promise<void>
}

/** What a static server answers, and one of an API. */
export const PAGE = '<!DOCTYPE html><title>page</title>'
export const says =
  (body: string, status = 200) =>
  (response: ServerResponse): void =>
    void response.writeHead(status).end(body)

/** Starts one; everything but a gateway's own path gets its answer. */
export async function startServer(answer: LabServer['answer'], port = 0): Promise<LabServer> {
  const open = new Set<Socket>()
  let count = 0
  const lab = createServer((request, response) => {
    count++
    response.on('error', () => {})
    server.answer(response, request.url ?? '')
  })
  lab.on('connection', (socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  await new Promise<void>((resolve) => lab.listen(port, '127.0.0.1', resolve))
  const { port: at } = lab.address() as AddressInfo
  const server: LabServer = {
    address: `127.0.0.1:${at}`,
    port: at,
    get count() {
      return count
    },
    answer,
    stop: () =>
      new Promise((resolve) => {
        lab.close(() => resolve())
        for (const socket of open) socket.destroy()
      }),
  }
  return server
}
