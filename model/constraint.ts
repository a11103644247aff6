import { z } from 'zod'

/** A demand on the labels of a host. */
export interface Constraint {
  /** `host` is the host's name; every other one is a label of its record */
  label: string
  equal: boolean
  value: string
}

/** Names and values hold nothing a shell, a URL or a table could read as syntax. */
const CONSTRAINT =
  /^(?<label>[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?)(?<operator>[=!]=)(?<value>[A-Za-z0-9](?:[A-Za-z0-9._:/-]{0,126}[A-Za-z0-9])?)$/

/** Reads `label==value` or `label!=value`; null if it is neither. */
export function parseConstraint(text: string): Constraint | null {
  const { label, operator, value } = CONSTRAINT.exec(text)?.groups ?? {}
  if (label === undefined || value === undefined) return null
  return { label, equal: operator === '==', value }
}

/** Whether a host may run what demands `constraint`. A label that is not there equals nothing. */
export function meets(
  constraint: Constraint,
  host: { name: string; labels: Readonly<Record<string, string>> },
): boolean {
  const { label, equal, value } = constraint
  const found =
    label === 'host' ? host.name : Object.hasOwn(host.labels, label) ? host.labels[label] : null
  return (found === value) === equal
}

export const ConstraintText = z
  .string()
  .refine((text) => parseConstraint(text) !== null, 'must be label==value or label!=value')
