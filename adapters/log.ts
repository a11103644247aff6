import { type DestinationStream, type Logger, pino } from 'pino'

export type { Logger }

/** The log of one process: JSON lines on stdout (or `to`), one for each thing an operator cares about. */
export function createLog(service: string, level: string, to?: DestinationStream): Logger {
  const options = {
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: ['token', 'etcdPassword', '*.token', '*.etcdPassword'],
  }
  return to ? pino(options, to) : pino(options)
}
