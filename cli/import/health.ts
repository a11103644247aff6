import { isRecord } from './document.ts'
import type { Notebook } from './note.ts'
import { readSeconds, textOf } from './value.ts'

/** How long a start may take unless something says otherwise, seconds. */
const START = 60
const OURS = ['interval', 'timeout', 'retries', 'start_interval']

/** The check of a service as an App has it, and how long it may take to begin. */
export function readHealth(
  value: unknown,
  notes: Notebook,
): { health?: unknown; startTimeout?: number } {
  if (value === undefined || value === null) return {}
  const refuse = (why: string): Record<string, never> => {
    notes.refused(['healthcheck'], why, 'write test: ["CMD", "command", "argument"]')
    return {}
  }
  if (!isRecord(value)) return refuse('is no map')
  const told = OURS.filter((key) => key in value)
  if (told.length > 0)
    notes.changed(
      ['healthcheck', told[0] ?? ''],
      `${told.join(', ')}: Reveille asks often while an app starts, and seldom then`,
      '',
    )
  const period = readSeconds(textOf(value.start_period))
  if (value.start_period !== undefined && period === null)
    notes.refused(['healthcheck', 'start_period'], 'is no time', 'write it like 1m30s')
  const startTimeout = period !== null && period > START ? { startTimeout: period } : {}
  if (value.disable === true) return { health: 'tcp', ...startTimeout }
  const { test } = value
  if (test === undefined) return startTimeout
  if (typeof test === 'string') return { health: shell(test), ...startTimeout }
  if (!Array.isArray(test)) return refuse('test is neither text nor a list')
  const [form = '', ...words] = test.map((word) => textOf(word) ?? '')
  if (form === 'NONE') return { health: 'tcp', ...startTimeout }
  if (form === 'CMD-SHELL') return { health: shell(words.join(' ')), ...startTimeout }
  if (form !== 'CMD' || words.length === 0) return refuse('test begins with CMD, CMD-SHELL or NONE')
  return { health: { type: 'command', command: words }, ...startTimeout }
}

const shell = (line: string): object => ({ type: 'command', command: ['/bin/sh', '-c', line] })
