import { prettyFactory } from 'pino-pretty'

const LEVELS: Record<string, string> = {
  emerg: 'fatal',
  alert: 'fatal',
  crit: 'fatal',
  fatal: 'fatal',
  panic: 'fatal',
  error: 'error',
  warning: 'warn',
  warn: 'warn',
  notice: 'info',
  info: 'info',
  debug: 'debug',
}

/** The level a foreign line names: nginx `[warn]`, HAProxy `[WARNING]`, Docker `level=warning`. */
function levelOf(line: string, fallback: string): string {
  const named = /\[(\w+)\]|\blevel=(\w+)/.exec(line)
  return LEVELS[(named?.[1] ?? named?.[2] ?? '').toLowerCase()] ?? fallback
}

/** The text of a foreign line without the time and level we show ourselves. */
function textOf(line: string): string {
  const message = /\bmsg="((?:[^"\\]|\\.)*)"/.exec(line)?.[1]
  if (message !== undefined) return message.replaceAll('\\"', '"')
  return line
    .replace(/^(?:[0-9/]+ [0-9:]+ \[\w+\] (?:\d+#\d+: )?(?:\*\d+ )?|\[[A-Z]+\] +\(\d+\) : )/, '')
    .slice(0, 2000)
}

/**
 * A line of any process as one of our log: a pino line as it is, etcd's JSON, Docker's and nginx's text brought into
 * the same form. What names no level is an error if it came on stderr (`isError`).
 */
export function translate(service: string, line: string, now: Date, isError = false): string {
  let entry: unknown
  try {
    entry = JSON.parse(line)
  } catch {
    entry = null
  }
  const time = now.toISOString()
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    return JSON.stringify({
      level: levelOf(line, isError ? 'error' : 'info'),
      time,
      service,
      msg: textOf(line),
    })
  if ('service' in entry) return line
  const { level, ts: _ts, caller: _caller, ...rest } = entry as Record<string, unknown>
  return JSON.stringify({ level: LEVELS[String(level)] ?? 'info', time, service, ...rest })
}

/** Docker is asked for errors only, but what holds each container says as news what it loads; HAProxy tells of each reload. */
export function isChatter(service: string, line: string): boolean {
  if (service === 'haproxy')
    return /^\[(?:NOTICE|WARNING)\].*(?:: haproxy version|executable is|orker|Proxy \S+ stopped|Exiting|Loading success)/.test(
      line,
    )
  return service === 'docker' && /\blevel=info\b/.test(line)
}

export type WriteLine = (service: string, line: string, isError?: boolean) => void

/**
 * Writes the lines of all processes to `stream`: JSON, or where a person reads, one readable line each. A reader that
 * is gone costs nothing but the lines.
 */
export function openOutput(stream: NodeJS.WriteStream): WriteLine {
  stream.on('error', () => {})
  const readable = prettyFactory({
    colorize: !process.env.NO_COLOR,
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss.l',
    messageFormat: '{service}: {msg}',
    ignore: 'service',
  })
  return (service, line, isError) => {
    if (isChatter(service, line)) return
    const text = translate(service, line, new Date(), isError)
    stream.write(stream.isTTY ? readable(text) : `${text}\n`)
  }
}
