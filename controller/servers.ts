/** A configuration of HAProxy, taken apart: what has servers that come and go, and all else. */
interface Layout {
  /** every line that is in no backend */
  frame: string
  backends: Map<string, Backend>
}

interface Backend {
  /** its lines but those of servers */
  head: string
  /** what each server's line says after its name */
  servers: Map<string, string>
}

/** What a running HAProxy has. */
export interface Running extends Layout {
  /** backends that get no requests */
  asleep: Set<string>
  /** `backend/server` of those that are in maintenance, to be removed once nothing uses them */
  idle: Set<string>
}

export interface Move {
  /** what to tell it, in this order; each must succeed */
  commands: string[]
  /** what it has then */
  after: Running
}

const SECTION =
  /^(?:global|defaults|frontend|listen|backend|peers|resolvers|userlist|mailers|cache|program|http-errors|ring|log-forward|fcgi-app)$/
/** A server that is added has none of a `default-server`, and another number than it will have once it is read. */
const FIXED = /^(?:default-server|hash-type)\b/m
/** What cannot be said of a server that is added, and words that could be read in another way than in the file. */
const UNTOLD = /["'\\;#$]| (?:track|cookie) /
const NUMBER = 'proc.generation'
/** The template's list of running backends' apps that are to be treated as if they had none. */
const ASLEEP = '#1000'
/** Who is there for all apps alike. */
const BACKUP = / backup\b/
/** What the template calls an app's backend. */
const OF_APP = /^app_(.+)$/

/** What HAProxy has that read this text. */
export function readRunning(text: string): Running {
  const backends = new Map<string, Backend>()
  const frame: string[] = []
  let backend: Backend | null = null
  for (const line of text.split('\n').map((line) => line.trim())) {
    const [word = '', name = '', ...rest] = line.split(/\s+/)
    // Its number is set by itself.
    if (word === '' || word.startsWith('#') || line.startsWith(`set-var ${NUMBER} `)) continue
    if (SECTION.test(word)) backend = null
    if (word === 'backend') backends.set(name, (backend = { head: '', servers: new Map() }))
    if (backend === null) frame.push(line)
    else if (word === 'server') backend.servers.set(name, rest.join(' '))
    else backend.head += `${line}\n`
  }
  return { frame: frame.join('\n'), backends, asleep: new Set(), idle: new Set() }
}

/** The command that makes it answer for this configuration. 0 is none's. */
export function numbered(generation: number): string {
  return `experimental-mode on; set var ${NUMBER} int(${generation})`
}

/**
 * What makes a running HAProxy do as one that has read `text`, if the two differ in servers only; null if in more. An
 * app's backend that is no more stays for when the app wakes: until then requests go where they went without it.
 */
export function moveServers(running: Running, text: string): Move | null {
  const { frame, backends: wanted } = readRunning(text)
  if (frame !== running.frame || FIXED.test(frame)) return null
  if ([...wanted.keys()].some((name) => !running.backends.has(name))) return null
  const asleep = new Set(running.asleep)
  const idle = new Set(running.idle)
  const backends = new Map(running.backends)
  // Who takes over is there before somebody goes.
  const come: string[] = []
  const go: string[] = []
  for (const [name, old] of running.backends) {
    const [, app] = OF_APP.exec(name) ?? []
    const next = wanted.get(name)
    if (next ? next.head !== old.head : app === undefined) return null
    const servers = new Map(old.servers)
    backends.set(name, { head: old.head, servers })
    for (const [server, line] of next?.servers ?? []) {
      const id = `${name}/${server}`
      const had = servers.get(server)
      if (had === line && !idle.has(id)) continue
      const told = line.replace(/'([^']*)'/g, '$1')
      if ((had ?? line) !== line || UNTOLD.test(told) || FIXED.test(old.head)) return null
      if (had === undefined) come.push(`add server ${id} ${told}`)
      if (had === undefined && / check\b/.test(told)) come.push(`enable health ${id}`)
      come.push(`set server ${id} state ready`)
      servers.set(server, line)
      idle.delete(id)
    }
    if (next && asleep.delete(name)) come.push(`del acl ${ASLEEP} ${app}`)
    if (!next && !asleep.has(name)) {
      asleep.add(name)
      go.push(`add acl ${ASLEEP} ${app}`)
    }
    for (const [server, line] of servers) {
      const id = `${name}/${server}`
      const stays = next ? next.servers.has(server) : BACKUP.test(line)
      if (stays || idle.has(id)) continue
      if (UNTOLD.test(line.replaceAll("'", ''))) return null
      idle.add(id)
      go.push(`set server ${id} state maint`)
    }
  }
  return { commands: [...come, ...go], after: { frame, backends, asleep, idle } }
}
