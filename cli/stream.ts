import { StringDecoder } from 'node:string_decoder'

const LONGEST = 1024 ** 2

/** The lines of a byte stream as they come; a line of more than a mebibyte is cut. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  for await (const chunk of chunks) {
    rest += decoder.write(Buffer.from(chunk))
    const lines = rest.split('\n')
    rest = (lines.pop() ?? '').slice(0, LONGEST)
    for (const line of lines) yield line.replace(/\r$/, '')
  }
  rest += decoder.end()
  if (rest !== '') yield rest
}

/** One server-sent event. */
export interface StreamEvent {
  event: string
  data: string
}

/** Reads server-sent events (WHATWG HTML section 9.2.6): comments are left out, data lines are joined. */
export async function* eventsOf(lines: AsyncIterable<string>): AsyncGenerator<StreamEvent> {
  let event = 'message'
  let data: string[] = []
  for await (const line of lines) {
    if (line === '') {
      if (data.length > 0) yield { event, data: data.join('\n') }
      event = 'message'
      data = []
      continue
    }
    const [field = '', ...rest] = line.split(':')
    const value = rest.join(':').replace(/^ /, '')
    if (field === 'data') data.push(value)
    else if (field === 'event') event = value
  }
}
