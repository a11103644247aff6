/** A request that was sent: Node's, as far as it is needed here. */
interface Sent {
  on(event: 'information', listener: () => void): unknown
  destroy(error: Error): unknown
}

/** Servers send one or two before their answer, if any: 100 for an upload, 103 for what a page needs. */
const MOST = 16

/**
 * Gives a call up whose answer never comes for all the informational ones (1xx) before it: nothing else bounds them, and each
 * is read at once.
 */
export function limitHints(request: Sent): void {
  let left = MOST
  request.on('information', () => {
    left -= 1
    if (left < 0) request.destroy(new Error(`more than ${MOST} answers of status 1xx`))
  })
}
