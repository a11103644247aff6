import { type Logger, pino } from 'pino'

export type { Logger }

/** The log of one process: JSON lines on stdout, one for each thing an operator cares about. */
export function createLog(service: string, level: string): Logger {
  return pino({
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: ['token', 'etcdPassword', '*.token', '*.etcdPassword'],
  })
}
