/**
 * The first bytes of a call to an engine, so that no other call follows on its connection: the engine closes it after its
 * answer. Who stands in between tells calls by the connection they come on.
 */
export function alone(first: Buffer): Buffer {
  const text = first.toString('latin1')
  return Buffer.from(
    text.replace('\r\nConnection: keep-alive\r\n', '\r\nConnection: close\r\n'),
    'latin1',
  )
}
