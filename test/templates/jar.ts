interface Kept {
  name: string
  value: string
  path: string
}

/** The cookies of a browser at one host, as RFC 6265 tells it to keep and to send them. */
export class Jar {
  #kept: Kept[] = []

  /** Takes what an answer (raw) to a request for `path` sets. */
  take(answer: string, path: string): void {
    for (const [, line = ''] of answer.matchAll(/\r\nSet-Cookie:([^\r]*)/gi)) this.#set(line, path)
  }

  /** The value of the Cookie header for `path`: longer paths come first. */
  header(path: string): string {
    return this.#kept
      .filter((cookie) => path === cookie.path || path.startsWith(cookie.path.replace(/\/?$/, '/')))
      .sort((left, right) => right.path.length - left.path.length)
      .map(({ name, value }) => (name === '' ? value : `${name}=${value}`))
      .join('; ')
  }

  #set(line: string, requested: string): void {
    const [pair = '', ...attributes] = line.split(';')
    const at = pair.indexOf('=')
    const name = pair.slice(0, Math.max(0, at)).trim()
    const value = pair.slice(at + 1).trim()
    if (name === '' && value === '') return
    let path = requested.slice(0, requested.lastIndexOf('/')) || '/'
    let isOver = false
    for (const attribute of attributes) {
      const [key = '', said = ''] = attribute.split('=').map((part) => part.trim())
      if (/^path$/i.test(key) && said.startsWith('/')) path = said
      if (/^max-age$/i.test(key)) isOver = Number(said) <= 0
    }
    const others = this.#kept.filter((kept) => kept.name !== name || kept.path !== path)
    this.#kept = isOver ? others : [...others, { name, value, path }]
  }
}
